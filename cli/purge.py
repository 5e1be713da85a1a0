"""``marrow purge``: delete reports and audits for good, on the machine that has the database."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from cli.logged import entry, who
from cli.processes import one_line_errors

if TYPE_CHECKING:
    from storage.database import Database
    from storage.retention import Extent
    from storage.settings import StorageSettings
    from storage.tombstones import Reason

_AGE = re.compile(r"(\d{1,5})d")


def purge(
    *,
    older_than: Annotated[
        str | None,
        typer.Option(help="Reports accepted, and audits ended, longer ago than this: 90d."),
    ] = None,
    report: Annotated[
        list[str] | None, typer.Option(help="One report, by our id; repeat it.")
    ] = None,
    patient: Annotated[
        str | None,
        typer.Option(help="All reports of a patient; - reads the id from standard input."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="With --patient: only those from this source.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    no_compact: Annotated[
        bool,
        typer.Option(
            "--no-compact",
            help="Leave the database's file as it is: quicker, but bytes may be left in it.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete reports for good: text, result and mentions. Their ids answer 410 afterwards.

    Example: marrow purge --older-than 90d --dry-run
    """
    from storage.database import Database
    from storage.settings import StorageSettings

    wanted = _wanted(older_than, report or [], patient, source)
    with one_line_errors():
        settings = StorageSettings()
        with Database.open(settings) as database:
            database.check_current()
            found = _find(database, wanted)
            _say(found, dry_run=dry_run)
            if dry_run or not (found.reports or found.audits):
                return
            if not (yes or (sys.stdin.isatty() and typer.confirm("Delete this for good?"))):
                typer.echo("marrow: nothing was deleted; give --yes to delete it", err=True)
                raise typer.Exit(2)
            _delete(database, settings, wanted, found, no_compact=no_compact)


@dataclass(frozen=True, slots=True)
class _Wanted:
    reason: Reason
    days: int | None = None
    reports: tuple[str, ...] = ()
    patient: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    reports: list[str]
    extent: Extent
    audits: list[str]
    kept_audits: int
    """Which stay, where reports of a patient go: their files may name the patient."""


def _wanted(
    older_than: str | None, reports: list[str], patient: str | None, source: str | None
) -> _Wanted:
    from storage.tombstones import Reason

    if (older_than is not None) + bool(reports) + (patient is not None) != 1:
        raise _refused("name one of --older-than, --report, --patient")
    if source is not None and patient is None:
        raise _refused("--source goes with --patient")
    if older_than is not None:
        age = _AGE.fullmatch(older_than)
        if age is None:
            raise _refused("--older-than is a number of days, such as 90d")
        return _Wanted(Reason.AGE, days=int(age[1]))
    if patient is not None:
        # The list of processes and the history of the shell show what stands on the command line.
        patient = sys.stdin.readline().strip() if patient == "-" else patient
        if not patient:
            raise _refused("the patient's id is empty")
        return _Wanted(Reason.PATIENT, patient=patient, source=source)
    return _Wanted(Reason.PURGE, reports=tuple(dict.fromkeys(reports)))


def _find(database: Database, wanted: _Wanted) -> _Found:
    from storage import retention

    audits: list[str] = []
    kept = 0
    with database.read() as conn:
        if wanted.days is not None:
            ids = retention.old_reports(conn, days=wanted.days)
            audits = retention.old_audits(conn, days=wanted.days)
        elif wanted.patient is not None:
            ids = retention.reports_of_patient(conn, wanted.patient, source=wanted.source)
            kept = retention.kept_audits(conn)
        else:
            ids = list(wanted.reports)
        extent = retention.measure(conn, ids)
    if wanted.reports and extent.reports < len(ids):
        raise _refused("one of these reports is not there, or was deleted before")
    return _Found(reports=ids, extent=extent, audits=audits, kept_audits=kept)


def _say(found: _Found, *, dry_run: bool) -> None:
    extent = found.extent
    typer.echo(
        f"{'Would delete' if dry_run else 'To delete'}: reports {extent.reports}, with results "
        f"{extent.results}, not read yet {extent.unfinished}; audits {len(found.audits)}"
    )
    if extent.first_accepted_at is not None and extent.last_accepted_at is not None:
        first, last = extent.first_accepted_at.date(), extent.last_accepted_at.date()
        typer.echo(f"Accepted from {first} to {last}")
    if found.kept_audits:
        typer.echo(
            f"The files of {found.kept_audits} audits stay and may hold the patient, too: "
            "`marrow audits list`, `marrow audits delete`.",
            err=True,
        )


def _delete(
    database: Database,
    settings: StorageSettings,
    wanted: _Wanted,
    found: _Found,
    *,
    no_compact: bool,
) -> None:
    from storage import access_log, retention
    from storage.access_model import Action
    from storage.files import open_files
    from storage.sweeping import sweep
    from storage.tombstones import Deletion

    with database.begin() as conn:
        # Before the first of them goes: a purge that is cut short is told of, too.
        items = len(found.reports) + len(found.audits)
        access_log.append(conn, [entry("marrow purge", Action.DELETE, items=items)])
    deletion = Deletion(wanted.reason, by=who())
    reports = retention.delete_reports(database, found.reports, deletion)
    audits = retention.delete_audits(database, found.audits)
    files = open_files(settings)
    while audits and sweep(database, files):
        pass
    typer.echo(f"Deleted: reports {reports}, audits {audits}")
    if no_compact or not database.is_sqlite:
        typer.echo(
            "Their bytes stand in the database until they are written over; `marrow db compact` "
            "writes its tables anew.",
            err=True,
        )
    else:
        compact_and_say(database)


def compact_and_say(database: Database) -> None:
    """Write the tables anew, and say where bytes may be left; then the command ends with 1."""
    from storage.compaction import compact

    if not compact(database):
        typer.echo(
            "marrow: done, but somebody reads, so deleted text may still stand in the file "
            "marrow.sqlite3-wal; run `marrow db compact` again",
            err=True,
        )
        raise typer.Exit(1)


def _refused(message: str) -> typer.Exit:
    typer.echo(f"marrow: {message}", err=True)
    return typer.Exit(2)
