"""The durable queue: units of work, who has them, and what happens when nobody finishes them.

A unit is ``pending`` until claimed, ``leased`` until finished; when its lease ends unfinished it
is pending again. One that came back :data:`MAX_ATTEMPTS` times is split into smaller ones, until
the report that does it stands alone and is marked failed. Celery only carries the bell.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, insert, or_, select, update

from storage import outcomes
from storage.clock import now
from storage.errors import FencedError
from storage.model import (
    Claim,
    DueUnit,
    Lane,
    Lease,
    Reconciliation,
    ReportState,
    WorkKind,
    WorkState,
)
from storage.tables import reports, results, tombstones, work
from storage.work_states import IS_LEASED, IS_OPEN, IS_PENDING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from storage.outcomes import Outcome

MAX_ATTEMPTS = 3
MAX_STEP_ATTEMPTS = 10
"""For a step of an audit, which cannot be split: it loses no report that is not its own fault, as
one that brings processes down is found out meanwhile (see :mod:`storage.steps`)."""
SPLIT_WAYS = 10
"""Parts of a unit that failed too often. Each level down costs MAX_ATTEMPTS lost workers or
leases: a hundred reports in tenths take two levels, in halves seven."""
WORKER_LOST = "worker_lost"
"""The error code of a report whose unit never came back."""
_NO_LEASE: dict[str, Any] = {"lease_token": None, "lease_until": None, "holder": None}
_MAX_ATTEMPTS = case((work.c.kind == WorkKind.REPORTS, MAX_ATTEMPTS), else_=MAX_STEP_ATTEMPTS)


def create_for_reports(conn: Connection, count: int, *, lane: Lane) -> list[int]:
    """Make ``count`` units for reports, which count as rung now; return their ids."""
    query = (
        insert(work)
        .values(
            kind=WorkKind.REPORTS,
            lane=lane,
            state=WorkState.PENDING,
            attempts=0,
            rung_at=now(),
            created_at=now(),
        )
        .returning(work.c.id)
    )
    return [conn.execute(query).scalar_one() for _ in range(count)]


def create_steps(
    conn: Connection, kind: WorkKind, *, audit: str, lane: Lane, count: int = 1
) -> list[int]:
    """Make ``count`` units that are steps of an audit, not rung for yet; return their ids."""
    fixed = {"kind": kind, "lane": lane, "state": WorkState.PENDING, "attempts": 0, "audit": audit}
    moment = conn.execute(select(now())).scalar_one()
    if count:
        conn.execute(insert(work), [fixed | {"created_at": moment}] * count)
    made = select(work.c.id).where(work.c.audit == audit, work.c.kind == kind)
    return list(conn.execute(made.order_by(work.c.id)).scalars())


def claim(conn: Connection, work_id: int, *, lease_s: float, holder: str = "") -> Claim | None:
    """Take a pending unit until ``lease_s`` seconds from now; ``None`` where it is not pending.

    ``holder`` names the process, for :func:`expire`. The right holds once committed.
    """
    query = (
        update(work)
        .where(work.c.id == work_id, work.c.state == WorkState.PENDING)
        .values(
            state=WorkState.LEASED,
            lease_token=secrets.token_hex(16),
            lease_until=now(offset_s=lease_s),
            holder=holder,
            attempts=work.c.attempts + 1,
        )
        .returning(work.c.lease_token, work.c.kind, work.c.lane, work.c.attempts, work.c.audit)
    )
    row = conn.execute(query).one_or_none()
    if row is None:
        return None
    return Claim(
        work_id=work_id,
        token=row.lease_token,
        kind=WorkKind(row.kind),
        lane=Lane(row.lane),
        attempts=row.attempts,
        audit=row.audit,
    )


def claim_more(
    conn: Connection, held: Claim, *, most: int, lease_s: float, holder: str = ""
) -> list[Claim]:
    """Take further units of reports that wait in the same lane, oldest first, in the same way.

    Only such as nobody has tried yet: one that came back may be what brings its process down, and
    must stand alone to be found out.
    """
    waiting = (
        select(work.c.id)
        .where(
            IS_PENDING,
            work.c.lane == held.lane,
            work.c.kind == WorkKind.REPORTS,
            work.c.attempts == 0,
        )
        .order_by(work.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    query = (
        update(work)
        .where(work.c.id.in_(waiting))
        .values(
            state=WorkState.LEASED,
            lease_token=held.token,
            lease_until=now(offset_s=lease_s),
            holder=holder,
            attempts=1,
        )
        .returning(work.c.id)
    )
    taken = sorted(conn.execute(query).scalars())
    return [replace(held, work_id=work_id) for work_id in taken]


def is_pending(conn: Connection, work_id: int) -> bool:
    """Return whether a unit waits to be claimed."""
    query = select(work.c.id).where(work.c.id == work_id, work.c.state == WorkState.PENDING)
    return conn.execute(query).first() is not None


def finish(conn: Connection, held: Claim, written: Sequence[Outcome]) -> bool:
    """Write what became of a unit's reports, and end the claim; return whether all are done.

    Where reports are left (the time was up), the unit is pending again, with its attempts
    forgotten, as it got somewhere. Raises FencedError where the lease is lost: the transaction
    must be rolled back, which Database.begin does.
    """
    end(conn, held, state=WorkState.DONE, finished_at=now())
    outcomes.write(conn, held.work_id, written)
    left = conn.execute(
        select(func.count()).where(
            reports.c.work_id == held.work_id, reports.c.state == ReportState.QUEUED
        )
    ).scalar_one()
    if not left:
        return True
    conn.execute(
        update(work)
        .where(work.c.id == held.work_id)
        .values(
            state=WorkState.PENDING,
            # A unit that does nothing is not one that gets somewhere.
            attempts=0 if written else work.c.attempts,
            rung_at=None,
            finished_at=None,
        )
    )
    return False


def release(conn: Connection, held: Claim) -> None:
    """Give a unit back untouched, to be split or tried again. Raises FencedError."""
    end(conn, held, state=WorkState.PENDING, rung_at=None)


def renew(conn: Connection, held: Claim, *, lease_s: float) -> None:
    """Hold a unit for longer. Raises FencedError where the lease is lost."""
    query = update(work).where(*_still_held(held)).values(lease_until=now(offset_s=lease_s))
    if conn.execute(query).rowcount != 1:
        raise FencedError(held.work_id)


def leases(conn: Connection) -> list[Lease]:
    """Return who has what."""
    query = select(work.c.id, work.c.lease_token, work.c.holder).where(IS_LEASED)
    return [Lease(row.id, row.lease_token, row.holder or "") for row in conn.execute(query)]


def expire(conn: Connection, lost: Sequence[Lease]) -> int:
    """End leases of processes that are known to be dead; return how many."""
    ended = 0
    for lease in lost:
        ended += conn.execute(
            update(work)
            .where(
                work.c.id == lease.work_id,
                work.c.lease_token == lease.token,
                work.c.state == WorkState.LEASED,
            )
            .values(state=WorkState.PENDING, rung_at=None, **_NO_LEASE)
        ).rowcount
    return ended


def reclaim_expired(conn: Connection) -> int:
    """Make units whose lease has ended pending again; return how many."""
    query = (
        update(work)
        .where(IS_LEASED, work.c.lease_until < now())
        .values(state=WorkState.PENDING, rung_at=None, **_NO_LEASE)
    )
    return conn.execute(query).rowcount


def expired(conn: Connection) -> bool:
    """Return whether a lease has ended: asked often, as it needs no writing transaction."""
    query = select(work.c.id).where(IS_LEASED, work.c.lease_until < now())
    return conn.execute(query.limit(1)).first() is not None


def worn_out(conn: Connection, *, limit: int = 100) -> list[int]:
    """Return pending units of reports that came back too often."""
    query = (
        select(work.c.id)
        .where(
            IS_PENDING,
            work.c.attempts >= MAX_ATTEMPTS,
            work.c.kind == WorkKind.REPORTS,
        )
        .order_by(work.c.id)
        .limit(limit)
    )
    return list(conn.execute(query).scalars())


def split_or_quarantine(conn: Connection, work_id: int) -> WorkState | None:
    """Split a unit that came back too often, or mark its only report failed.

    Returns the new state, ``None`` where it is not (or no longer) such a unit.
    """
    taken = conn.execute(
        update(work)
        .where(
            work.c.id == work_id,
            work.c.state == WorkState.PENDING,
            work.c.attempts >= MAX_ATTEMPTS,
            work.c.kind == WorkKind.REPORTS,
        )
        .values(state=WorkState.SPLIT, finished_at=now())
        .returning(work.c.lane)
    ).one_or_none()
    if taken is None:
        return None
    query = select(reports.c.id).where(
        reports.c.work_id == work_id, reports.c.state == ReportState.QUEUED
    )
    ids = list(conn.execute(query.order_by(reports.c.id)).scalars())
    if len(ids) > 1:
        _split(conn, work_id, ids, lane=Lane(taken.lane))
        return WorkState.SPLIT
    outcomes.mark_final(conn, work_id, ids, error_code=WORKER_LOST)
    conn.execute(update(work).where(work.c.id == work_id).values(state=WorkState.QUARANTINED))
    return WorkState.QUARANTINED


def _split(conn: Connection, work_id: int, ids: Sequence[str], *, lane: Lane) -> None:
    ways = min(SPLIT_WAYS, len(ids))
    children = create_for_reports(conn, ways, lane=lane)
    conn.execute(
        update(work).where(work.c.id.in_(children)).values(parent_id=work_id, rung_at=None)
    )
    for position, child in enumerate(children):
        part = ids[position * len(ids) // ways : (position + 1) * len(ids) // ways]
        conn.execute(update(reports).where(reports.c.id.in_(part)).values(work_id=child))


def ring_due(conn: Connection, *, older_than_s: float, limit: int) -> list[DueUnit]:
    """Return pending units that nobody was told of, or too long ago: interactive ones first.

    The longest unrung come first, so that units which nobody takes cannot starve the rest.
    """
    query = (
        select(work.c.id, work.c.lane, work.c.kind)
        .where(
            IS_PENDING,
            work.c.attempts < _MAX_ATTEMPTS,
            or_(work.c.rung_at.is_(None), work.c.rung_at < now(offset_s=-older_than_s)),
        )
        .order_by(
            case((work.c.lane == Lane.INTERACTIVE, 0), else_=1),
            work.c.rung_at.asc().nulls_first(),
            work.c.id,
        )
        .limit(limit)
    )
    return [DueUnit(row.id, Lane(row.lane), WorkKind(row.kind)) for row in conn.execute(query)]


def mark_rung(conn: Connection, work_ids: Sequence[int]) -> None:
    """Remember that the bell was rung for these units."""
    conn.execute(
        update(work)
        .where(work.c.id.in_(work_ids), work.c.state == WorkState.PENDING)
        .values(rung_at=now())
    )


def open_units(conn: Connection) -> int:
    """Return how many units are pending or leased."""
    query = select(func.count()).where(IS_OPEN)
    return conn.execute(query).scalar_one()


def has_open_reports(conn: Connection, *, at_least: int) -> bool:
    """Return whether so many units of reports are open. Counts no further."""
    query = (
        select(work.c.id)
        .where(
            IS_OPEN,
            work.c.kind == WorkKind.REPORTS,
        )
        .limit(at_least)
    )
    return conn.execute(select(func.count()).select_from(query.subquery())).scalar_one() >= at_least


def is_stalled(conn: Connection, *, for_s: float, lanes: Sequence[Lane] = tuple(Lane)) -> bool:
    """Return whether units of these lanes wait that long, and none is worked on or was ended."""
    since, is_here = now(offset_s=-for_s), work.c.lane.in_(lanes)
    waits = select(work.c.id).where(is_here, IS_PENDING, work.c.created_at < since)
    moves = select(work.c.id).where(
        is_here, or_(work.c.state == WorkState.LEASED, work.c.finished_at > since)
    )
    # The second looks through finished units, so it is asked only where the first finds one.
    if conn.execute(waits.limit(1)).first() is None:
        return False
    return conn.execute(moves.limit(1)).first() is None


def reconcile(conn: Connection) -> Reconciliation:
    """Count where all reports are. Reads every row: for once a minute, not for every request."""
    by_state = select(reports.c.state, func.count()).group_by(reports.c.state)
    states: dict[str, int] = {row[0]: row[1] for row in conn.execute(by_state)}
    done = conn.execute(
        select(func.count()).select_from(
            results.join(
                reports,
                and_(reports.c.id == results.c.report, reports.c.state == ReportState.DONE),
            )
        )
    ).scalar_one()
    alive = conn.execute(
        select(func.count())
        .select_from(reports.join(work, work.c.id == reports.c.work_id))
        .where(
            reports.c.state == ReportState.QUEUED,
            work.c.state.in_((WorkState.PENDING, WorkState.LEASED)),
        )
    ).scalar_one()
    buried = conn.execute(select(func.count()).select_from(tombstones)).scalar_one()
    gone = conn.execute(
        select(func.count())
        .select_from(tombstones.outerjoin(reports, reports.c.id == tombstones.c.report))
        .where(reports.c.id.is_(None))
    ).scalar_one()
    return Reconciliation(
        accepted=sum(states.values()) + buried,
        done=done,
        failed=states.get(ReportState.FAILED, 0),
        cancelled=states.get(ReportState.CANCELLED, 0),
        open=alive,
        deleted=gone,
    )


def end(conn: Connection, held: Claim, **values: Any) -> None:
    """End a claim that is still ours, or raise FencedError."""
    query = update(work).where(*_still_held(held)).values(**values, **_NO_LEASE)
    if conn.execute(query).rowcount != 1:
        raise FencedError(held.work_id)


def _still_held(held: Claim) -> tuple[Any, Any, Any]:
    return (
        work.c.id == held.work_id,
        work.c.lease_token == held.token,
        work.c.state == WorkState.LEASED,
    )
