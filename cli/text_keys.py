"""``marrow text-keys``: report texts encrypted in the database, and their keys."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.processes import one_line_errors

if TYPE_CHECKING:
    from storage.database import Database

NoCompact = Annotated[
    bool,
    typer.Option(
        "--no-compact",
        help="Leave the database's file as it is: quicker, but bytes of before are left in it.",
    ),
]
app = typer.Typer(
    no_args_is_help=True,
    help="Report texts encrypted in the database. Example: marrow text-keys create /etc/marrow/text-keys",
)


@app.command()
def create(file: Annotated[Path, typer.Argument(help="The file to write, mode 0600.")]) -> None:
    """Write a new file of keys. What is sealed with a lost key, nobody opens again.

    Example: marrow text-keys create /etc/marrow/text-keys
    """
    from storage import text_keys

    with one_line_errors():
        [key_id] = text_keys.create(file).keys
    typer.echo(f"wrote {file} with the key {key_id}")
    typer.echo(
        f"Copy it to where the backups are not, set MARROW_TEXT_KEY_FILE={file.resolve()} for all "
        "parts of the service, restart them, and run: marrow text-keys reseal",
        err=True,
    )


@app.command("list")
def list_keys() -> None:
    """List the keys, and how many reports, results and reports in samples are sealed with each.

    Example: marrow text-keys list
    """
    from storage import text_keys
    from storage.resealing import count

    with _opened() as (database, file):
        keyring = text_keys.load(file)
        counted = {one.key_id: one for one in count(database)}
    current = None if keyring.current is None else keyring.current.id
    for key_id in (*keyring.keys, None):
        role = "seals" if key_id == current else "opens"
        found = counted.get(key_id)
        numbers = (
            f"reports {found.reports if found else 0}, results {found.results if found else 0}"
        )
        if found and found.samples:
            numbers += f", reports in samples {found.samples}"
        if key_id is not None or found or current is None:
            typer.echo(f"{key_id or text_keys.PLAIN}\t{role}\t{numbers}")


@app.command()
def rotate(*, no_compact: NoCompact = False) -> None:
    """Add a new key, which seals from now on, and seal everything anew, while the service runs.

    Where hosts have copies of the file, see docs/how-to/encryption.md. Example: marrow text-keys rotate
    """
    from storage import text_keys

    with _opened() as (database, file):
        # Every process reads the file anew with its next transaction.
        current = text_keys.add(file).current
        typer.echo(f"the key {current.id if current else ''} seals from now on")
        _reseal(database, no_compact=no_compact)


@app.command()
def reseal(*, no_compact: NoCompact = False) -> None:
    """Seal everything as the last line of the file says, while the service runs.

    To turn it on, to turn it off (the word plain in the last line), or after a rotation that was
    cut short. Example: MARROW_TEXT_KEY_FILE=/etc/marrow/text-keys marrow text-keys reseal
    """
    with _opened() as (database, _):
        _reseal(database, no_compact=no_compact)


def _reseal(database: Database, *, no_compact: bool) -> None:
    from cli.purge import compact_and_say
    from storage.resealing import reseal as seal_all

    def say(rows: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{rows} rows", end="", file=sys.stderr, flush=True)

    rows = seal_all(database, say=say)
    typer.echo(f"rewrote {rows} rows")
    if rows and (no_compact or not database.is_sqlite):
        typer.echo(
            "The bytes of before stand in the database until they are written over; `marrow db "
            "compact` writes its tables anew.",
            err=True,
        )
    elif rows:
        compact_and_say(database)


@contextmanager
def _opened() -> Iterator[tuple[Database, Path]]:
    from storage.database import Database
    from storage.errors import TextKeyFileError
    from storage.settings import StorageSettings

    with one_line_errors():
        settings = StorageSettings()
        if settings.text_key_file is None:
            raise TextKeyFileError(
                "set MARROW_TEXT_KEY_FILE; `marrow text-keys create FILE` makes one"
            )
        with Database.open(settings) as database:
            database.check_current()
            yield database, settings.text_key_file
