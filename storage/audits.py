"""Audits: creating, reading, listing, cancelling, deleting, and which of their files are needed.

What their units of work do is in :mod:`storage.steps`. Progress is a sum over the shards that are
done, never a counter.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, insert, select, update
from sqlalchemy import delete as sql_delete

from storage import work
from storage.audit_model import (
    FINAL,
    OPEN,
    AuditPage,
    AuditState,
    PlanCounts,
    Progress,
    StoredAudit,
)
from storage.clock import now
from storage.model import Lane, WorkKind, WorkState
from storage.tables import audit_shards, audits, uploads
from storage.tables import work as work_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from storage.audit_model import NewAudit
    from storage.rows import AnyRow

MAX_PAGE = 1_000
_RATE_S = 60


def create(conn: Connection, new: NewAudit) -> None:
    """Store an audit with the unit of work that plans it; the dispatcher rings for it."""
    conn.execute(
        insert(audits).values(
            id=new.id,
            name=new.name,
            upload=new.upload,
            source=new.source,
            bytes=new.bytes,
            arguments=json.dumps(dict(new.arguments), sort_keys=True),
            state=AuditState.QUEUED,
            rows_read=0,
            created_at=now(),
            is_swept=False,
        )
    )
    work.create_steps(conn, WorkKind.PLAN, audit=new.id, lane=Lane.BULK)


def get(conn: Connection, id_: str) -> StoredAudit | None:
    """Return an audit; ``None`` where there is none, or none any more."""
    page = _load(conn, select(audits).where(audits.c.id == id_))
    return page[0] if page else None


def list_page(
    conn: Connection,
    *,
    state: AuditState | None = None,
    after: str | None = None,
    limit: int = 50,
) -> AuditPage:
    """Return up to ``limit`` audits (at most 1,000), newest first, those after the id ``after``."""
    limit = max(1, min(limit, MAX_PAGE))
    query = select(audits).order_by(audits.c.id.desc()).limit(limit + 1)
    if after is not None:
        query = query.where(audits.c.id < after)
    if state is not None:
        query = query.where(audits.c.state == state)
    found = _load(conn, query)
    page = tuple(found[:limit])
    return AuditPage(page, next_after=page[-1].id if len(found) > limit else None)


def count_by_state(conn: Connection) -> dict[str, int]:
    """Return how many audits are in each state that has any."""
    query = select(audits.c.state, func.count()).group_by(audits.c.state)
    found = conn.execute(query.where(audits.c.state != AuditState.DELETED))
    return {row[0]: row[1] for row in found}


def cancel(conn: Connection, id_: str) -> bool:
    """Stop an audit; ``False`` where it is over already.

    Its units are gone at once: who works on one is fenced at his next word.
    """
    return _stop(conn, id_, AuditState.CANCELLED, *OPEN)


def delete(conn: Connection, id_: str) -> bool:
    """Delete an audit, whatever its state; ``False`` where there is none.

    Its row is kept, unseen, until :func:`forget`: its files have to go first.
    """
    return _stop(conn, id_, AuditState.DELETED, *OPEN, *FINAL)


def fail(conn: Connection, id_: str, error_code: str) -> bool:
    """End an audit that cannot go on; ``False`` where it is over already."""
    return _stop(conn, id_, AuditState.FAILED, *OPEN, error_code=error_code)


def unswept(conn: Connection, *, limit: int = 20) -> list[StoredAudit]:
    """Return audits that are over and have files that nobody needs any more."""
    over = (*FINAL, AuditState.DELETED)
    query = select(audits).where(audits.c.is_swept.is_(False), audits.c.state.in_(over))
    return _load(conn, query.order_by(audits.c.id).limit(limit), with_deleted=True)


def known(conn: Connection, ids: Sequence[str]) -> set[str]:
    """Return which of these audits there are, deleted ones with files included."""
    found: set[str] = set()
    for start in range(0, len(ids), MAX_PAGE):
        part = ids[start : start + MAX_PAGE]
        found |= set(conn.execute(select(audits.c.id).where(audits.c.id.in_(part))).scalars())
    return found


def forget(conn: Connection, id_: str) -> None:
    """Note that an audit's files are swept; the row of a deleted one goes now."""
    conn.execute(sql_delete(uploads).where(uploads.c.audit == id_))
    conn.execute(sql_delete(audits).where(audits.c.id == id_, audits.c.state == AuditState.DELETED))
    conn.execute(update(audits).where(audits.c.id == id_).values(is_swept=True))


def _stop(
    conn: Connection,
    id_: str,
    state: AuditState,
    *before: AuditState,
    error_code: str | None = None,
) -> bool:
    values: dict[str, Any] = {"state": state, "error_code": error_code, "is_swept": False}
    if state is not AuditState.DELETED:
        values["finished_at"] = now()
    query = update(audits).where(audits.c.id == id_, audits.c.state.in_(before)).values(**values)
    if conn.execute(query).rowcount != 1:
        return False
    conn.execute(
        sql_delete(work_table).where(
            work_table.c.audit == id_,
            work_table.c.state.in_((WorkState.PENDING, WorkState.LEASED)),
        )
    )
    return True


def _load(conn: Connection, query: Any, *, with_deleted: bool = False) -> list[StoredAudit]:
    if not with_deleted:
        query = query.where(audits.c.state != AuditState.DELETED)
    rows = conn.execute(query).all()
    progress = _progress(conn, [row.id for row in rows])
    return [_stored(row, progress.get(row.id, Progress())) for row in rows]


def _progress(conn: Connection, ids: Sequence[str]) -> dict[str, Progress]:
    """Return the sums over the finished shards of each audit."""
    if not ids:
        return {}
    shards = audit_shards.c
    recent = case((shards.finished_at > now(offset_s=-_RATE_S), shards.reports), else_=0)
    query = (
        select(
            audits.c.id,
            audits.c.state,
            audits.c.planned_at,
            select(now()).scalar_subquery().label("moment"),
            func.sum(shards.reports).label("reports"),
            func.sum(shards.failed).label("failed"),
            func.sum(shards.cases).label("cases"),
            func.count().label("shards"),
            func.sum(recent).label("recent"),
        )
        .join(audit_shards, shards.audit == audits.c.id)
        .where(audits.c.id.in_(ids), shards.finished_at.is_not(None))
        .group_by(audits.c.id)
    )
    return {row.id: _sums(row) for row in conn.execute(query)}


def _sums(row: AnyRow) -> Progress:
    rate = None
    if row.state == AuditState.EXTRACTING:
        elapsed_s = (row.moment - row.planned_at).total_seconds()
        rate = float(row.recent) / max(1.0, min(_RATE_S, elapsed_s))
    return Progress(
        reports=int(row.reports),
        failed=int(row.failed),
        cases=int(row.cases),
        shards=row.shards,
        reports_per_s=rate,
    )


def _stored(row: AnyRow, progress: Progress) -> StoredAudit:
    counts = None
    if row.planned is not None:
        counts = PlanCounts(
            rows_read=row.rows_read,
            refused=row.refused,
            duplicates=row.duplicates,
            superseded=row.superseded,
            planned=row.planned,
            passed_over=row.passed_over,
            undesired=row.undesired or 0,
        )
    return StoredAudit(
        id=row.id,
        name=row.name,
        upload=row.upload,
        source=row.source,
        bytes=row.bytes,
        arguments=json.loads(row.arguments),
        state=AuditState(row.state),
        error_code=row.error_code,
        rows_read=row.rows_read,
        counts=counts,
        shards=row.shards,
        progress=progress,
        identity=None if row.identity is None else json.loads(row.identity),
        plan_files=row.plan_files,
        output_files=row.output_files,
        summary=None if row.summary is None else json.loads(row.summary),
        created_at=row.created_at,
        started_at=row.started_at,
        planned_at=row.planned_at,
        finished_at=row.finished_at,
    )
