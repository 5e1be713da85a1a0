"""The units of work of an audit: its plan, its shards, its summary.

Each ends in one transaction that is guarded by the lease, names the files that it wrote and makes
the units of the next step. Files that no committed row names do not count, so that whoever lost
his lease has changed nothing.

A shard that came back :data:`CAREFUL_ATTEMPTS` times is read carefully: each row is noted before
it is begun. A row on which :data:`DEADLY_DEATHS` processes died is not read again and is a
failure, as on the command line; processes that are killed from outside blame nobody.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from storage import audits, work
from storage.audit_model import OPEN, AuditState, ShardStep
from storage.clock import now
from storage.errors import FencedError
from storage.model import Lane, WorkKind, WorkState
from storage.tables import audit_shards
from storage.tables import audits as audits_table
from storage.tables import work as work_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Connection

    from storage.audit_model import PlanCounts
    from storage.model import Claim

CAREFUL_ATTEMPTS = 3
"""From this attempt on, rows are noted: a transaction for each, which healthy shards are spared."""
DEADLY_DEATHS = 2
LOST = "worker_lost"
"""The error code of an audit with a step that never came back."""


def begin_plan(conn: Connection, held: Claim) -> None:
    """Note that the archive is being read. Raises FencedError where the audit is over."""
    _advance(
        conn,
        held,
        state=AuditState.PLANNING,
        started_at=func.coalesce(audits_table.c.started_at, now()),
        rows_read=0,
    )


def note_rows(conn: Connection, held: Claim, rows: int, *, lease_s: float) -> None:
    """Note how many rows were read, and hold the unit for longer. Raises FencedError."""
    _lock(conn, held.work_id)
    work.renew(conn, held, lease_s=lease_s)
    _advance(conn, held, rows_read=rows)


def finish_plan(
    conn: Connection,
    held: Claim,
    counts: PlanCounts,
    *,
    shards: Sequence[tuple[int, int]],
    identity: Mapping[str, Any],
    files: str,
) -> None:
    """Keep the plan and make the units of its shards (number, reports). Raises FencedError."""
    _lock(conn, held.work_id)
    work.end(conn, held, state=WorkState.DONE, finished_at=now())
    _advance(
        conn,
        held,
        state=AuditState.EXTRACTING,
        planned_at=now(),
        shards=len(shards),
        identity=json.dumps(dict(identity), sort_keys=True),
        plan_files=files,
        **asdict(counts),
    )
    audit = _audit(held)
    units = work.create_steps(conn, WorkKind.SHARD, audit=audit, lane=Lane.BULK, count=len(shards))
    rows = [
        {"audit": audit, "number": number, "reports": reports, "work_id": unit, "deaths": "{}"}
        for (number, reports), unit in zip(shards, units, strict=True)
    ]
    if rows:
        conn.execute(insert(audit_shards), rows)
    else:
        _summarise(conn, held)


def begin_shard(conn: Connection, held: Claim) -> ShardStep:
    """Return the shard of a unit. A row that was begun and never ended counts as a death there.

    Raises FencedError where the audit is over.
    """
    query = select(audit_shards).where(audit_shards.c.work_id == held.work_id)
    row = conn.execute(query).one_or_none()
    if row is None:
        raise FencedError(held.work_id)
    deaths: dict[str, int] = json.loads(row.deaths)
    if row.begun_row is not None:
        deaths[str(row.begun_row)] = deaths.get(str(row.begun_row), 0) + 1
        _note(conn, held, begun_row=None, deaths=json.dumps(deaths, sort_keys=True))
        if deaths[str(row.begun_row)] == DEADLY_DEATHS:
            # It got somewhere: the next one to die on may be another.
            unit = update(work_table).where(work_table.c.id == held.work_id)
            conn.execute(unit.values(attempts=CAREFUL_ATTEMPTS))
    skip = frozenset(int(number) for number, count in deaths.items() if count >= DEADLY_DEATHS)
    return ShardStep(number=row.number, skip=skip)


def note_row(conn: Connection, held: Claim, row: int, *, lease_s: float) -> None:
    """Note that a row is begun, and hold the unit for longer. Raises FencedError."""
    work.renew(conn, held, lease_s=lease_s)
    _note(conn, held, begun_row=row)


def finish_shard(conn: Connection, held: Claim, *, failed: int, cases: int, files: str) -> None:
    """Keep a shard's results; the last one makes the unit of the summary. Raises FencedError."""
    _lock(conn, held.work_id)
    work.end(conn, held, state=WorkState.DONE, finished_at=now())
    _note(
        conn,
        held,
        failed=failed,
        cases=cases,
        files=files,
        finished_at=now(),
        begun_row=None,
    )
    left = select(audit_shards.c.number).where(
        audit_shards.c.audit == held.audit, audit_shards.c.finished_at.is_(None)
    )
    if conn.execute(left.limit(1)).first() is None:
        _summarise(conn, held)


def shard_files(conn: Connection, audit: str) -> dict[int, str]:
    """Return the folder of each shard's results."""
    query = select(audit_shards.c.number, audit_shards.c.files).where(
        audit_shards.c.audit == audit, audit_shards.c.files.is_not(None)
    )
    return {row.number: row.files for row in conn.execute(query)}


def finish_summary(
    conn: Connection, held: Claim, *, files: str, summary: Mapping[str, Any]
) -> None:
    """Keep the output files: the audit is done. Raises FencedError."""
    _lock(conn, held.work_id)
    work.end(conn, held, state=WorkState.DONE, finished_at=now())
    _advance(
        conn,
        held,
        state=AuditState.DONE,
        finished_at=now(),
        output_files=files,
        summary=json.dumps(dict(summary), sort_keys=True),
        is_swept=False,
    )


def fail(conn: Connection, held: Claim, error_code: str) -> None:
    """End the audit of a unit that is still ours. Raises FencedError."""
    _lock(conn, held.work_id)
    work.end(conn, held, state=WorkState.DONE, finished_at=now())
    audits.fail(conn, _audit(held), error_code)


def put_back(conn: Connection, held: Claim) -> None:
    """Give a unit back that went wrong here, to be tried again in a while. Raises FencedError."""
    work.end(conn, held, state=WorkState.PENDING, rung_at=now())
    if held.kind is WorkKind.SHARD:
        _note(conn, held, begun_row=None)


def worn_out(conn: Connection, *, limit: int = 100) -> list[int]:
    """Return pending steps that came back too often."""
    query = (
        select(work_table.c.id)
        .where(
            work_table.c.state == WorkState.PENDING,
            work_table.c.attempts >= work.MAX_STEP_ATTEMPTS,
            work_table.c.kind != WorkKind.REPORTS,
        )
        .order_by(work_table.c.id)
        .limit(limit)
    )
    return list(conn.execute(query).scalars())


def give_up(conn: Connection, work_id: int) -> WorkState | None:
    """Fail the audit of a step that came back too often; ``None`` where it is no longer one."""
    _lock(conn, work_id)
    query = (
        update(work_table)
        .where(
            work_table.c.id == work_id,
            work_table.c.state == WorkState.PENDING,
            work_table.c.attempts >= work.MAX_STEP_ATTEMPTS,
            work_table.c.kind != WorkKind.REPORTS,
        )
        .values(state=WorkState.QUARANTINED, finished_at=now())
        .returning(work_table.c.audit)
    )
    audit = conn.execute(query).scalar_one_or_none()
    if audit is None:
        return None
    audits.fail(conn, audit, LOST)
    return WorkState.QUARANTINED


def _lock(conn: Connection, work_id: int) -> None:
    """Let the steps of one audit end one after the other (PostgreSQL; SQLite has one writer).

    Of two last shards that end at once, each would take the other for unfinished. And all who
    change an audit take its row before its units, so that none waits for the other in a ring.
    """
    of_unit = select(work_table.c.audit).where(work_table.c.id == work_id).scalar_subquery()
    query = select(audits_table.c.id).where(audits_table.c.id == of_unit).with_for_update()
    conn.execute(query).one_or_none()


def _summarise(conn: Connection, held: Claim) -> None:
    _advance(conn, held, state=AuditState.FINISHING)
    work.create_steps(conn, WorkKind.SUMMARY, audit=_audit(held), lane=Lane.BULK)


def _advance(conn: Connection, held: Claim, **values: Any) -> None:
    """Change the audit of a unit; one that is over is not to be changed by it."""
    query = update(audits_table).where(
        audits_table.c.id == held.audit, audits_table.c.state.in_(OPEN)
    )
    if conn.execute(query.values(**values)).rowcount != 1:
        raise FencedError(held.work_id)


def _note(conn: Connection, held: Claim, **values: Any) -> None:
    conn.execute(
        update(audit_shards).where(audit_shards.c.work_id == held.work_id).values(**values)
    )


def _audit(held: Claim) -> str:
    if held.audit is None:
        raise ValueError(held.kind)
    return held.audit
