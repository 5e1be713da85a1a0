"""Bring what is stored to the seal that holds now: turned on, of another key, or turned off.

In small transactions while the service runs: what it writes meanwhile has the new seal already, and
what a transaction wrote that had begun before is found by the next pass. Each row says what it is
sealed with, so after a kill it is only run again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select, true, update

from storage.errors import TextKeyError
from storage.reports import lock_all_series
from storage.sealing import sealer_of
from storage.tables import reports, results, sample_items

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.engine import Connection

    from storage.database import Database

BATCH = 200
"""Rows in one transaction: some 10 ms, in which nobody else can write to SQLite."""
_PASSES = 10
_TABLES = (reports, results, sample_items)


@dataclass(frozen=True, slots=True)
class Sealed:
    """How much is sealed with one key."""

    key_id: str | None
    """``None`` for what is plain."""
    reports: int
    results: int
    samples: int = 0
    """Reports in samples that people judge."""


def reseal(database: Database, *, say: Callable[[int], object] = lambda _: None) -> int:
    """Reseal everything that is not sealed as it should be; return how many rows that were.

    ``say`` hears how many so far. Raises TextKeyMissingError or SealBrokenError for what cannot be
    opened, and TextKeyError where other processes go on sealing with another key.
    """
    done = 0
    for _ in range(_PASSES):
        for batch in (_reseal_reports, _reseal_results, _reseal_items):
            after: str | None = ""
            while after is not None:
                with database.begin() as conn:
                    started = time.monotonic()
                    after, rows = batch(conn, after)
                done += rows
                say(done)
                # Half of the time is the service's: SQLite gives no turns to those who wait.
                time.sleep(time.monotonic() - started if rows else 0)
        if not _is_stale(database):
            return done
    raise TextKeyError(
        "texts are still being written with another key: a process uses another key file; give the "
        "same one to all, and run this again"
    )


def count(database: Database) -> list[Sealed]:
    """Count what is sealed with which key."""
    numbers: list[dict[str | None, int]] = []
    with database.read() as conn:
        for table in _TABLES:
            query = select(table.c.text_key, func.count()).where(_holds_words(table))
            query = query.group_by(table.c.text_key)
            numbers.append({row[0]: row[1] for row in conn.execute(query)})
    ids = sorted(set().union(*numbers), key=str)
    return [Sealed(id_, *(found.get(id_, 0) for found in numbers)) for id_ in ids]


def _reseal_reports(conn: Connection, after: str) -> tuple[str | None, int]:
    """Reseal some reports; return the last id, ``None`` at the end, and how many they were."""
    # Or the digest of a report would change while somebody looks whether it is there.
    lock_all_series(conn)
    sealer = sealer_of(conn)
    query = select(reports.c.id, reports.c.text, reports.c.text_key).where(
        reports.c.id > after, reports.c.text_key.is_distinct_from(sealer.key_id)
    )
    # To wait for rows that others hold, holding some, could end in a deadlock.
    query = query.order_by(reports.c.id).limit(BATCH).with_for_update(skip_locked=True)
    rows = conn.execute(query).all()
    for row in rows:
        values = sealer.seal_text(row.id, sealer.open_text(row.id, row.text, row.text_key))
        conn.execute(update(reports).where(reports.c.id == row.id).values(values))
    return (rows[-1].id if len(rows) == BATCH else None), len(rows)


def _reseal_results(conn: Connection, after: str) -> tuple[str | None, int]:
    """Do the same for results."""
    sealer = sealer_of(conn)
    query = select(results.c.report, results.c.json, results.c.text_key).where(
        results.c.report > after, results.c.text_key.is_distinct_from(sealer.key_id)
    )
    query = query.order_by(results.c.report).limit(BATCH).with_for_update(skip_locked=True)
    rows = conn.execute(query).all()
    for row in rows:
        json = sealer.open_json(row.report, row.json, row.text_key)
        values = sealer.seal_json(row.report, json)
        conn.execute(update(results).where(results.c.report == row.report).values(values))
    return (rows[-1].report if len(rows) == BATCH else None), len(rows)


def _reseal_items(conn: Connection, after: str) -> tuple[str | None, int]:
    """Do the same for what is in samples."""
    sealer = sealer_of(conn)
    columns = (sample_items.c.id, sample_items.c.text, sample_items.c.text_key)
    query = select(*columns).where(
        sample_items.c.id > after,
        _holds_words(sample_items),
        sample_items.c.text_key.is_distinct_from(sealer.key_id),
    )
    query = query.order_by(sample_items.c.id).limit(BATCH).with_for_update(skip_locked=True)
    rows = conn.execute(query).all()
    for row in rows:
        values = sealer.seal_item(row.id, sealer.open_item(row.id, row.text, row.text_key))
        conn.execute(update(sample_items).where(sample_items.c.id == row.id).values(values))
    return (rows[-1].id if len(rows) == BATCH else None), len(rows)


def _holds_words(table: Table) -> ColumnElement[bool]:
    """Say of a row whether there is anything to seal: a sample may be without texts."""
    return sample_items.c.text.is_not(None) if table is sample_items else true()


def _is_stale(database: Database) -> bool:
    with database.read() as conn:
        key_id = sealer_of(conn).key_id
        return any(
            conn.execute(
                select(table.c.text_key)
                .where(_holds_words(table), table.c.text_key.is_distinct_from(key_id))
                .limit(1)
            ).first()
            for table in _TABLES
        )
