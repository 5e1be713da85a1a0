"""What an operator asks of the queue: what waits and for how long, who works, what failed; and again.

Numbers only, nothing of any report. They are asked for every few seconds, so each query is served
by an index; what counts all reports is the dispatcher's (:mod:`storage.sums`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal, select, update

from storage import audits, sums, work
from storage.clock import now
from storage.model import Lane, ReportState, WorkKind, WorkState
from storage.tables import reports
from storage.tables import work as work_table
from storage.work_states import IS_LEASED, IS_OPEN, IS_QUARANTINED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from storage.sums import Counted

# As text in the query: a partial index is not seen to fit a parameter.
_IS_FAILED = reports.c.state == literal(ReportState.FAILED.value, literal_execute=True)
MOST_REQUEUED = 1_000
"""Reports that are queued again by one call."""
_TOGETHER = 10
"""Of them in one unit: what brought a process down should bring few others with it."""


@dataclass(frozen=True, slots=True)
class OpenWork:
    """Units of one kind that are not done."""

    lane: Lane
    kind: WorkKind
    state: WorkState
    units: int
    oldest_s: float
    """Since the oldest of them was made."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has units in hand."""

    name: str
    """As :mod:`workers.holder` writes it; empty where it did not say."""
    units: int
    until: datetime
    """When the first of its leases ends unless it is renewed."""


@dataclass(frozen=True, slots=True)
class Operations:
    """How the work goes."""

    open_work: tuple[OpenWork, ...]
    holders: tuple[Holder, ...]
    failed: Mapping[str, int]
    """Failed reports by their error codes."""
    quarantined: int
    """Units whose only report brought processes down again and again."""
    audits: Mapping[str, int]
    """By state."""
    counted: Counted | None
    """All reports, as they were counted last."""

    def oldest_s(self, lane: Lane) -> float:
        """Return how long the oldest unit of a lane has been open; 0 where none is."""
        return max((one.oldest_s for one in self.open_work if one.lane is lane), default=0.0)


def look(conn: Connection) -> Operations:
    """Return how the work goes."""
    return Operations(
        open_work=_open_work(conn),
        holders=_holders(conn),
        failed=_failed(conn),
        quarantined=_quarantined(conn),
        audits=audits.count_by_state(conn),
        counted=sums.last(conn),
    )


def requeue(
    conn: Connection, *, error_code: str | None = None, report: str | None = None
) -> tuple[int, list[int]]:
    """Queue failed reports again, the oldest first; return how many, and their new units of work.

    ``error_code`` and ``report`` narrow it. At most :data:`MOST_REQUEUED`: call again until it is 0.
    """
    query = select(reports.c.id).where(_IS_FAILED)
    if error_code is not None:
        query = query.where(reports.c.error_code == error_code)
    if report is not None:
        query = query.where(reports.c.id == report)
    chosen = query.order_by(reports.c.id).limit(MOST_REQUEUED).with_for_update(skip_locked=True)
    ids = list(conn.execute(chosen).scalars())
    parts = [ids[start : start + _TOGETHER] for start in range(0, len(ids), _TOGETHER)]
    units = work.create_for_reports(conn, len(parts), lane=Lane.BULK)
    for unit, part in zip(units, parts, strict=True):
        _queue(conn, part, unit)
    return len(ids), units


def _queue(conn: Connection, ids: Sequence[str], unit: int) -> None:
    query = update(reports).where(reports.c.id.in_(ids), reports.c.state == ReportState.FAILED)
    values: dict[str, Any] = {"error_code": None, "finished_at": None, "work_id": unit}
    conn.execute(query.values(state=ReportState.QUEUED, **values))


def _open_work(conn: Connection) -> tuple[OpenWork, ...]:
    columns = work_table.c
    group = (columns.lane, columns.kind, columns.state)
    query = (
        select(
            *group,
            func.count().label("units"),
            func.min(columns.created_at).label("oldest"),
            select(now()).scalar_subquery().label("moment"),
        )
        .where(IS_OPEN)
        .group_by(*group)
        .order_by(*group)
    )
    return tuple(
        OpenWork(
            lane=Lane(row.lane),
            kind=WorkKind(row.kind),
            state=WorkState(row.state),
            units=row.units,
            oldest_s=max(0.0, (row.moment - row.oldest).total_seconds()),
        )
        for row in conn.execute(query)
    )


def _holders(conn: Connection) -> tuple[Holder, ...]:
    columns = work_table.c
    query = (
        select(columns.holder, func.count().label("units"), func.min(columns.lease_until).label("until"))
        .where(IS_LEASED)
        .group_by(columns.holder)
        .order_by(columns.holder)
    )  # fmt: skip
    return tuple(Holder(row.holder or "", row.units, row.until) for row in conn.execute(query))


def _failed(conn: Connection) -> dict[str, int]:
    query = (
        select(reports.c.error_code, func.count())
        .where(_IS_FAILED)
        .group_by(reports.c.error_code)
        .order_by(reports.c.error_code)
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def _quarantined(conn: Connection) -> int:
    query = select(func.count()).where(IS_QUARANTINED)
    return int(conn.execute(query).scalar_one())
