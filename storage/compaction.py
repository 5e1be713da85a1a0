"""Getting rid of the bytes of what was deleted.

SQLite overwrites a deleted row (``secure_delete``), but not the copies of it that were left in the
gaps of pages when rows were moved while it was still there: only writing the file anew does. What
is deleted stands in the log as well, until that is emptied. PostgreSQL keeps dead rows until
``VACUUM``, and their bytes until they are written over, which ``VACUUM FULL`` makes sure of.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from storage.database import BUSY_TIMEOUT_MS
from storage.errors import CompactionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.database import Database

TABLES = ("reports", "results", "mentions", "idempotency")
"""Those that hold something of reports."""
_WAIT_MS = 200
_PAUSE_S = 0.2


def compact(database: Database, *, timeout_s: float = 30) -> bool:
    """Write the tables anew; return whether SQLite's log could be emptied, too.

    Nobody can write meanwhile, in PostgreSQL nobody can read either, and there must be room for
    a second copy. Raises CompactionError.
    """
    if not database.is_sqlite:
        _compact_postgresql(database)
        return True
    with _cursor(database) as cursor, _temporary_files_in(Path(database.url.database or "")):
        try:
            cursor.execute("VACUUM")
        except sqlite3.Error:
            raise CompactionError from None
    return empty_log(database, timeout_s=timeout_s)


def empty_log(database: Database, *, timeout_s: float) -> bool:
    """Have SQLite move its log into the database and cut it to nothing; whether it could.

    Somebody who reads meanwhile can prevent it.
    """
    if not database.is_sqlite:
        return True
    end = time.monotonic() + timeout_s
    while True:
        with _cursor(database) as cursor:
            # While it waits for readers nobody can write, so it must not wait for long.
            cursor.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")
            try:
                is_busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        if not is_busy or time.monotonic() > end:
            return not is_busy
        time.sleep(_PAUSE_S)


def _compact_postgresql(database: Database) -> None:
    engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as conn:
            for table in TABLES:
                conn.execute(text(f"VACUUM (FULL, ANALYZE) {table}"))
    except OperationalError:
        raise CompactionError from None


@contextmanager
def _cursor(database: Database) -> Iterator[Any]:
    """Give a cursor without a transaction: neither command works inside of one."""
    raw = database.engine.raw_connection()
    try:
        yield raw.cursor()
    finally:
        raw.close()


@contextmanager
def _temporary_files_in(path: Path) -> Iterator[None]:
    """Have SQLite make its second copy beside the database: /tmp may be on another volume."""
    before = os.environ.get("SQLITE_TMPDIR")
    os.environ["SQLITE_TMPDIR"] = str(path.parent)
    try:
        yield
    finally:
        os.environ.pop("SQLITE_TMPDIR")
        if before is not None:
            os.environ["SQLITE_TMPDIR"] = before
