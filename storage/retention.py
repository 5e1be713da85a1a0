"""Which reports and audits are to go, and letting them go in small transactions.

A report goes with its text, its result, its mentions and what an ``Idempotency-Key`` remembers
of it, and leaves a tombstone. By age goes only what is in a final state: the others are promised
a result yet.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from storage import audits, idempotency, reports
from storage.audit_model import FINAL
from storage.clock import now
from storage.ids import first_id
from storage.model import ReportState
from storage.tables import audits as audits_table
from storage.tables import reports as reports_table

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

    from sqlalchemy.engine import Connection

    from storage.database import Database
    from storage.tombstones import Deletion

BATCH = 200
"""Reports in one transaction: it takes some 50 ms, in which nobody else can write to SQLite."""
_DAY_S = 24 * 3_600
_SKEW = timedelta(days=1)
"""Ids tell the time of the host that made them, rows that of the database."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much would go."""

    reports: int
    unfinished: int
    """Those among them that are not read yet."""
    results: int
    first_accepted_at: datetime | None
    last_accepted_at: datetime | None


def old_reports(
    conn: Connection, *, days: float, limit: int | None = None, after: str = ""
) -> list[str]:
    """Return final reports that were accepted more than ``days`` days ago, oldest first.

    Looks at the oldest ids only, so that it is cheap when there are none.
    """
    query = select(reports_table.c.id).where(
        reports_table.c.id > after,
        reports_table.c.id < first_id("rep", datetime.now(UTC) - timedelta(days=days) + _SKEW),
        reports_table.c.accepted_at < now(offset_s=-days * _DAY_S),
        reports_table.c.state != ReportState.QUEUED,
    )
    query = query.order_by(reports_table.c.id)
    return list(conn.execute(query if limit is None else query.limit(limit)).scalars())


def reports_of_patient(
    conn: Connection, patient_id: str, *, source: str | None = None
) -> list[str]:
    """Return all reports of a patient, in every state and version."""
    query = select(reports_table.c.id).where(reports_table.c.patient_id == patient_id)
    if source is not None:
        query = query.where(reports_table.c.source == source)
    return list(conn.execute(query.order_by(reports_table.c.id)).scalars())


def measure(conn: Connection, ids: Sequence[str]) -> Extent:
    """Count what these reports are."""
    found: list[Any] = []
    for start in range(0, len(ids), BATCH):
        part = reports_table.c.id.in_(ids[start : start + BATCH])
        columns = (reports_table.c.state, reports_table.c.accepted_at)
        found += conn.execute(select(*columns).where(part)).all()
    states = [row.state for row in found]
    times = [row.accepted_at for row in found]
    return Extent(
        reports=len(found),
        unfinished=states.count(ReportState.QUEUED),
        results=states.count(ReportState.DONE),
        first_accepted_at=min(times, default=None),
        last_accepted_at=max(times, default=None),
    )


def delete_reports(database: Database, ids: Sequence[str], deletion: Deletion) -> int:
    """Delete reports in small transactions; return how many were there.

    Killed in between, it has deleted some of them wholly and the others not at all.
    """
    deleted = 0
    for start in range(0, len(ids), BATCH):
        with database.begin() as conn:
            deleted += reports.delete_many(conn, ids[start : start + BATCH], deletion)
    forget_answers(database, set(ids))
    return deleted


def delete_old_reports(database: Database, *, days: float, deletion: Deletion, for_s: float) -> int:
    """Delete old reports for up to ``for_s`` seconds, at least a batch; return how many."""
    end = time.monotonic() + for_s
    gone: set[str] = set()
    while True:
        with database.read() as conn:
            ids = old_reports(conn, days=days, limit=BATCH)
        if ids:
            with database.begin() as conn:
                reports.delete_many(conn, ids, deletion)
            gone |= set(ids)
        if len(ids) < BATCH or time.monotonic() > end:
            break
    forget_answers(database, gone)
    return len(gone)


def forget_answers(database: Database, ids: Collection[str]) -> None:
    """Take from remembered answers what they tell of these reports."""
    if not ids:
        return
    with database.read() as conn:
        naming = idempotency.naming(conn, ids)
    for start in range(0, len(naming), BATCH):
        with database.begin() as conn:
            idempotency.blank(conn, naming[start : start + BATCH])


def old_audits(conn: Connection, *, days: float) -> list[str]:
    """Return audits that ended more than ``days`` days ago."""
    query = select(audits_table.c.id).where(
        audits_table.c.state.in_(FINAL), audits_table.c.finished_at < now(offset_s=-days * _DAY_S)
    )
    return list(conn.execute(query.order_by(audits_table.c.id)).scalars())


def kept_audits(conn: Connection) -> int:
    """Return how many audits there are: their files hold rows of patients, too."""
    query = select(func.count()).select_from(audits_table)
    return conn.execute(query.where(audits_table.c.state != "deleted")).scalar_one()


def delete_audits(database: Database, ids: Sequence[str]) -> int:
    """Delete audits; their files go with the next sweep. Return how many were there."""
    deleted = 0
    for id_ in ids:
        with database.begin() as conn:
            deleted += audits.delete(conn, id_)
    return deleted
