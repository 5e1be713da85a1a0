"""The access log: entries are appended to one chain and never changed.

Each entry's hash is over its content and the hash before it. One row, the head, holds the last
number and hash: it is locked while entries are appended, so that any number of processes on any
number of hosts make one chain. Triggers refuse what is no appending (revision 0005). Only the
beginning may go, by age; the head then tells where the rest begins.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from storage.access_model import COLUMNS, Action, Entry, Head, Logged, Outcome, chained
from storage.clock import millis, now
from storage.tables import access_log, access_log_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from storage.database import Database
    from storage.rows import AnyRow

KEPT_DAYS_AT_LEAST = 30
"""Younger entries cannot be deleted, whatever is set: the triggers refuse it."""
PRUNE_BATCH = 5_000
"""Entries in one transaction."""


def append(conn: Connection, entries: Sequence[Entry]) -> Head:
    """Append entries in their order, and return the new head.

    From here to the commit nobody else can append.
    """
    columns = access_log_head.c
    # Locked by this row in PostgreSQL; in SQLite every writing transaction is alone anyway.
    row = conn.execute(
        select(columns.seq, columns.hash, now().label("clock")).with_for_update()
    ).one()
    seq, digest, clock_s = row.seq, row.hash, time.monotonic()
    values = []
    for entry in entries:
        at = row.clock - timedelta(seconds=max(0.0, clock_s - entry.happened_s))
        seq, stored = seq + 1, entry.values()
        digest = chained(digest, seq, millis(at), stored)
        values.append(
            dict(zip(COLUMNS, stored, strict=True)) | {"seq": seq, "at": at, "hash": digest}
        )
    if values:
        conn.execute(insert(access_log), values)
        conn.execute(update(access_log_head).values(seq=seq, hash=digest))
    return Head(seq, digest)


def head(conn: Connection) -> Head:
    """Return the last entry's number and hash."""
    row = conn.execute(select(access_log_head)).one()
    return Head(row.seq, row.hash)


def prune(database: Database, *, days: int, caller: str) -> int:
    """Delete the oldest entries, up to a batch, and say so in a new one; return how many."""
    with database.begin() as conn:
        found = _oldest(conn, days=days)
        if found is None:
            return 0
        first = conn.execute(select(access_log_head.c.start_seq)).scalar_one() + 1
        conn.execute(update(access_log_head).values(start_seq=found.seq, start_hash=found.hash))
        deleted = conn.execute(delete(access_log).where(access_log.c.seq <= found.seq)).rowcount
        entry = Entry(
            Action.ADMINISTER,
            Outcome.DONE,
            caller=caller,
            route="access log retention",
            target=f"{first}-{found.seq}",
            items=deleted,
        )
        append(conn, [entry])
    return deleted


def _oldest(conn: Connection, *, days: int) -> Head | None:
    """Return the last of the oldest entries that may all go."""
    kept_s = max(days, KEPT_DAYS_AT_LEAST) * 24 * 3_600
    # Locks the chain first: what is looked at stays the beginning.
    conn.execute(select(access_log_head.c.seq).with_for_update())
    is_old = (access_log.c.at < now(offset_s=-kept_s)).label("is_old")
    columns = (access_log.c.seq, access_log.c.hash, is_old)
    rows = conn.execute(select(*columns).order_by(access_log.c.seq).limit(PRUNE_BATCH))
    last: Head | None = None
    for row in rows:
        if not row.is_old:
            break
        last = Head(row.seq, row.hash)
    return last


def logged(row: AnyRow) -> Logged:
    """Return the entry of a row of the table."""
    entry = Entry(
        action=Action(row.action),
        outcome=Outcome(row.outcome),
        caller=row.caller,
        peer=row.peer,
        method=row.method,
        route=row.route,
        target=row.target,
        items=row.items,
        status=row.status,
        code=row.code,
        request=row.request,
        times=row.times,
        happened_s=0.0,
    )
    return Logged(seq=row.seq, at=row.at, entry=entry, hash=row.hash)
