"""Questions to the access log: who took what away, who came at night, who was turned away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, time
from typing import TYPE_CHECKING

from sqlalchemy import select

from storage.access_log import logged
from storage.access_model import Action, Outcome, Question
from storage.tables import access_log

if TYPE_CHECKING:
    from datetime import datetime, tzinfo
    from typing import Any

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.engine import Connection

    from storage.access_model import Logged

MAX_PAGE = 1_000
LOOKED_AT = 50_000
"""Entries that one page looks at at most; a page may be short, and the next one goes on."""
_FETCH = 1_000
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Hours:
    """Working hours, in the time of a place."""

    zone: tzinfo = UTC
    opens: time = time(7)
    closes: time = time(19)

    def are_over(self, at: datetime) -> bool:
        """Return whether a moment is outside of them; all of a weekend is."""
        local = at.astimezone(self.zone)
        return local.weekday() >= _SATURDAY or not self.opens <= local.time() < self.closes


@dataclass(frozen=True, slots=True)
class Filters:
    """Which entries are wanted; what is ``None`` does not matter."""

    question: Question = Question.ALL
    since: datetime | None = None
    until: datetime | None = None
    """Not included."""
    caller: str | None = None
    target: str | None = None
    hours: Hours = Hours()


@dataclass(frozen=True, slots=True)
class LogPage:
    """Entries, newest first."""

    entries: tuple[Logged, ...]
    next_before: int | None
    """Where the next page goes on; ``None`` at the end."""


def list_page(
    conn: Connection, filters: Filters, *, before: int | None = None, limit: int = MAX_PAGE
) -> LogPage:
    """Return entries, newest first, that come before the entry ``before``."""
    found: list[Logged] = []
    with conn.execute(_query(filters, before)) as rows:
        for looked_at, row in enumerate(rows, start=1):
            entry = logged(row)
            if filters.question is not Question.AFTER_HOURS or filters.hours.are_over(entry.at):
                found.append(entry)
            if len(found) == limit or looked_at == LOOKED_AT:
                return LogPage(tuple(found), entry.seq)
    return LogPage(tuple(found), None)


def _query(filters: Filters, before: int | None) -> Select[Any]:
    """Select what SQL can choose, newest first."""
    columns = access_log.c
    chosen = [
        *_CONDITIONS.get(filters.question, []),
        *([] if before is None else [columns.seq < before]),
        *([] if filters.since is None else [columns.at >= filters.since]),
        *([] if filters.until is None else [columns.at < filters.until]),
        *([] if filters.caller is None else [columns.caller == filters.caller]),
        *([] if filters.target is None else [columns.target == filters.target]),
    ]
    query = select(access_log).where(*chosen).order_by(columns.seq.desc())
    return query.execution_options(yield_per=_FETCH)


_CONDITIONS: dict[Question, list[ColumnElement[bool]]] = {
    Question.EXPORTS: [
        access_log.c.action.in_([Action.EXPORT, Action.READ_TEXT]),
        access_log.c.outcome == Outcome.DONE,
    ],
    Question.FAILED_SIGN_INS: [
        access_log.c.action == Action.SIGN_IN,
        access_log.c.outcome != Outcome.DONE,
    ],
    Question.REFUSED: [access_log.c.outcome == Outcome.REFUSED],
}
