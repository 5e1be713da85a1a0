"""``marrow access-log`` and ``marrow verify-log``: who did what, and whether the log is whole.

On the machine that has the database; an auditor elsewhere asks `GET /v1/access-log`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from cli.processes import one_line_errors
from storage.access_model import Head, Question

if TYPE_CHECKING:
    from storage.access_check import Check
    from storage.access_model import Logged
    from storage.access_queries import Filters, Hours
    from storage.database import Database


def access_log(
    question: Annotated[Question, typer.Argument(help="What to list.")],
    *,
    since: Annotated[
        str | None, typer.Option(help="From a day or moment on: 2026-11-01, 2026-11-01T07:00.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Before a day or moment.")] = None,
    caller: Annotated[str | None, typer.Option(help="Only his: key:4f9Kq2Lz, user:anna.")] = None,
    target: Annotated[str | None, typer.Option(help="Only on this report, audit or key.")] = None,
    hours: Annotated[
        str, typer.Option(help="Working hours from Monday to Friday; all else is after hours.")
    ] = "07:00-19:00",
    timezone: Annotated[str, typer.Option(help="The time zone of all times.")] = "UTC",
    as_json: Annotated[
        bool, typer.Option("--json", help="A JSON object a line, all of it.")
    ] = False,
) -> None:
    """List who read, exported, changed or was refused what, newest first.

    Example: marrow access-log after-hours --since 2026-11-01 --timezone Europe/Berlin
    """
    from storage.access_queries import Filters

    zone = _zone(timezone)
    filters = Filters(
        question=question,
        since=_moment("--since", since, zone),
        until=_moment("--until", until, zone),
        caller=caller,
        target=target,
        hours=_hours(hours, zone),
    )
    with one_line_errors(), _opened() as database:
        for one in _all(database, filters):
            typer.echo(_json(one) if as_json else _line(one, zone))


def verify_log(
    head: Annotated[
        list[str] | None, typer.Option(help="A head that was kept elsewhere; repeat it.")
    ] = None,
    heads: Annotated[
        Path | None,
        typer.Option(help="A file of heads: all are looked for, and today's is added at the end."),
    ] = None,
) -> None:
    """Check that no entry of the access log was changed, removed or cut off. Ends with 1 if one was.

    Who can write to the database could compute a whole new log: only a head that is kept where he
    cannot write (--heads on another machine's disk) shows that. Example: marrow verify-log
    """
    from storage.access_check import check

    known = [_head(one) for one in head or []] + _kept(heads)
    with one_line_errors(), _opened() as database, database.read() as conn:
        found = check(conn, known)
    _tell(found, len(known))
    if not found.is_whole:
        raise typer.Exit(1)
    if heads is not None:
        _keep(heads, found.head)


def _all(database: Database, filters: Filters) -> Iterator[Logged]:
    """Give all pages, a reading transaction each."""
    from storage.access_queries import list_page

    before: int | None = None
    while True:
        with database.read() as conn:
            page = list_page(conn, filters, before=before)
        yield from page.entries
        before = page.next_before
        if before is None:
            return


def _line(logged: Logged, zone: ZoneInfo) -> str:
    entry = logged.entry
    what = entry.target or ("-" if entry.items is None else f"({entry.items})")
    columns = (
        str(logged.seq),
        logged.at.astimezone(zone).isoformat(timespec="seconds"),
        entry.outcome.value,
        entry.action.value,
        entry.caller or "-",
        entry.peer or "-",
        what,
        " ".join(part for part in (entry.method, entry.route, entry.code) if part),
        f"x{entry.times}" if entry.times > 1 else "",
    )
    return "\t".join(columns).rstrip()


def _json(logged: Logged) -> str:
    entry = logged.entry
    names = (name for name in entry.__slots__ if name != "happened_s")
    told = {name: getattr(entry, name) for name in names}
    at = logged.at.isoformat(timespec="milliseconds")
    return json.dumps({"seq": logged.seq, "at": at, **told, "hash": logged.hash})


def _tell(found: Check, known: int) -> None:
    for fault in found.faults:
        typer.echo(fault)
    if found.more_faults:
        typer.echo(f"and {found.more_faults} more")
    verdict = "whole" if found.is_whole else "NOT WHOLE"
    typer.echo(f"{verdict}: {found.entries} entries from {found.first} to {found.head.seq}")
    if known:
        typer.echo(f"heads kept elsewhere: {found.heads_matched} of {known} are in it")
    if found.heads_before:
        typer.echo(f"{found.heads_before} of them are of entries that are deleted by age")
    typer.echo(f"head {found.head}")


def _kept(path: Path | None) -> list[Head]:
    if path is None or not path.exists():
        return []
    return [_head(line.split()[-1]) for line in path.read_text("utf-8").splitlines() if line]


def _keep(path: Path, head: Head) -> None:
    with one_line_errors(), path.open("a", encoding="utf-8") as file:
        file.write(f"{datetime.now(ZoneInfo('UTC')).isoformat(timespec='seconds')} {head}\n")


def _head(written: str) -> Head:
    try:
        return Head.read(written)
    except ValueError:
        raise _refused(
            "a head is a number, a colon and 64 digits, as verify-log prints it"
        ) from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise _refused("--timezone is a name such as Europe/Berlin") from None


def _moment(option: str, written: str | None, zone: ZoneInfo) -> datetime | None:
    if written is None:
        return None
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise _refused(f"{option} is a day or a moment: 2026-11-01 or 2026-11-01T07:00") from None
    return found.replace(tzinfo=zone) if found.tzinfo is None else found


def _hours(written: str, zone: ZoneInfo) -> Hours:
    from storage.access_queries import Hours

    opens, _, closes = written.partition("-")
    try:
        return Hours(zone, time.fromisoformat(opens), time.fromisoformat(closes))
    except ValueError:
        raise _refused("--hours are two times of the day: 07:00-19:00") from None


def _refused(message: str) -> typer.Exit:
    typer.echo(f"marrow: {message}", err=True)
    return typer.Exit(2)


@contextmanager
def _opened() -> Iterator[Database]:
    from storage.database import Database
    from storage.settings import StorageSettings

    with Database.open(StorageSettings()) as database:
        database.check_current()
        yield database
