"""The last reconciliation, for those who ask often: counting reads every row, looking it up none.

The dispatcher counts once a minute (:func:`storage.work.reconcile`) and keeps what it found; with
several dispatchers the last one has it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from storage.clock import now
from storage.model import Reconciliation
from storage.tables import sums

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

_ROW = 1


@dataclass(frozen=True, slots=True)
class Counted:
    """Where all reports were, and when."""

    reports: Reconciliation
    at: datetime


def keep(conn: Connection, counted: Reconciliation) -> None:
    """Keep what was counted, in the place of what was before."""
    values = asdict(counted) | {"counted_at": now()}
    dialect = sqlite if conn.dialect.name == "sqlite" else postgresql
    query = dialect.insert(sums).values(id=_ROW, **values)
    conn.execute(query.on_conflict_do_update(index_elements=[sums.c.id], set_=values))


def last(conn: Connection) -> Counted | None:
    """Return what was counted last; ``None`` where no dispatcher ran yet."""
    row = conn.execute(select(sums)).one_or_none()
    if row is None:
        return None
    counts = {field.name: getattr(row, field.name) for field in fields(Reconciliation)}
    return Counted(Reconciliation(**counts), at=row.counted_at)
