"""``marrow backup`` and ``marrow restore``: the data directory in one file, and back again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.logged import entry, who
from cli.processes import one_line_errors

if TYPE_CHECKING:
    from storage.settings import StorageSettings

_DATA = "The data directory."


def backup(
    target: Annotated[
        Path,
        typer.Argument(help="The file to write, or a directory that gets a file with the time."),
    ],
    *,
    data: Annotated[
        Path | None, typer.Option(help=_DATA, show_default="MARROW_DATA_DIR or ./marrow-data")
    ] = None,
    with_secrets: Annotated[
        bool,
        typer.Option(
            "--with-secrets",
            help="Put the key pepper into it: the API keys open as before then.",
        ),
    ] = False,
) -> None:
    """Back up the data directory, also while the service runs there: database, files of audits.

    Example: marrow backup /backups
    """
    from storage.backup import back_up
    from storage.settings import StorageSettings

    with one_line_errors():
        settings = StorageSettings()
        if data is not None:
            settings = settings.model_copy(update={"data_dir": data})
        if target.is_dir():
            target /= f"marrow-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar"
        _log(settings)
        manifest = back_up(settings, target, with_secrets=with_secrets)
    typer.echo(f"{target}: {len(manifest.entries)} files, {manifest.bytes} bytes")
    if not with_secrets:
        typer.echo(
            f"Not in it: the key pepper ({settings.pepper_path}). Keep a copy of it elsewhere; "
            "without it no API key opens again.",
            err=True,
        )


def restore(
    backup: Annotated[Path, typer.Argument(help="The file that `marrow backup` wrote.")],
    *,
    data: Annotated[
        Path | None,
        typer.Option(help="Where to: an empty directory.", show_default="needed, but for --check"),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Set aside what is in the directory.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only check the backup; write nothing.")
    ] = False,
) -> None:
    """Bring a backup back into a data directory that no service runs on.

    Example: marrow restore /backups/marrow-20261126T020000Z.tar --data ./marrow-data
    """
    from storage import backup_file
    from storage.restore import restore as bring_back

    with one_line_errors():
        if check:
            manifest = backup_file.unpack(backup)
            typer.echo(f"whole: {len(manifest.entries)} files, made {manifest.facts.made_at}")
            return
        if data is None:
            typer.echo("marrow: name the directory: --data DIR", err=True)
            raise typer.Exit(2)
        done = bring_back(backup, data, replace=replace, caller=who())
    facts = done.manifest.facts
    typer.echo(f"{data}: as of {facts.made_at}; {done.waiting} units of work wait to be done")
    if done.set_aside is not None:
        typer.echo(f"What was there is in {done.set_aside}; remove it once all is well.", err=True)
    if not facts.has_secrets:
        typer.echo(
            f"The backup holds no secrets: put the key pepper into {data / 'key-pepper'} (mode "
            "600), or make new keys with `marrow keys create`.",
            err=True,
        )


def _log(settings: StorageSettings) -> None:
    """Tell the access log, which goes into the backup with it: everything is taken away."""
    from storage import access_log
    from storage.access_model import Action
    from storage.database import HEAD, Database
    from storage.errors import DatabaseUnavailableError

    with Database(settings.url) as database:
        if not database.is_sqlite or not Path(database.url.database or "").is_file():
            return  # said by the backup itself
        try:
            if database.revision() != HEAD:
                return  # of an older version, without such a log
            with database.begin() as conn:
                access_log.append(conn, [entry("marrow backup", Action.EXPORT)])
        except DatabaseUnavailableError:
            pass
