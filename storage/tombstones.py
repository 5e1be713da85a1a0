"""What is left of a deleted report: that it was there, and when, why and by whom it was deleted.

Nothing of its text, its patient or its examination.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from storage.clock import now
from storage.tables import tombstones

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection


class Reason(StrEnum):
    """Why a report was deleted. Not free text: that would hold names before long."""

    REQUEST = "request"
    """`DELETE /v1/reports/{id}`."""
    PURGE = "purge"
    """`marrow purge --report`."""
    PATIENT = "patient"
    """`marrow purge --patient`."""
    AGE = "age"
    """`marrow purge --older-than`."""
    RETENTION = "retention"
    """The time of `MARROW_KEEP_REPORTS_DAYS` was over."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """Why, and by whom, reports are deleted."""

    reason: Reason
    by: str
    """``key:<id>`` of an API key, ``user:<name>`` at the command line, or ``dispatcher``."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A report that is no more."""

    report: str
    """Our id of it."""
    accepted_at: datetime
    deleted_at: datetime
    reason: Reason
    deleted_by: str


def get(conn: Connection, report: str) -> Tombstone | None:
    """Return the tombstone of a report; ``None`` where there never was one, or it is there."""
    row = conn.execute(select(tombstones).where(tombstones.c.report == report)).one_or_none()
    if row is None:
        return None
    return Tombstone(
        report=row.report,
        accepted_at=row.accepted_at,
        deleted_at=row.deleted_at,
        reason=Reason(row.reason),
        deleted_by=row.deleted_by,
    )


def put(conn: Connection, report: str, accepted_at: datetime, deletion: Deletion) -> None:
    """Put up a tombstone, in the transaction that deletes the report."""
    conn.execute(
        insert(tombstones).values(
            report=report,
            accepted_at=accepted_at,
            deleted_at=now(),
            reason=deletion.reason,
            deleted_by=deletion.by,
        )
    )
