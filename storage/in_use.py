"""Whether a service runs on a data directory: the lock that it holds, and its open database."""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from storage.errors import InUseError
from storage.settings import SQLITE_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_FILE = "serve.lock"


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Hold the data directory's lock. Raises InUseError where somebody else holds it."""
    with (data_dir / LOCK_FILE).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InUseError(data_dir) from None
        yield


def check_unopened(data_dir: Path) -> None:
    """Raise InUseError where a process has the database open.

    `marrow api`, `worker` and `dispatcher` hold no lock of the directory when they were started
    by themselves. In WAL mode SQLite gives the exclusive lock to nobody while another is connected.
    """
    path = data_dir / SQLITE_FILE
    if not path.exists():
        return
    with closing(sqlite3.connect(path, isolation_level=None, timeout=1)) as conn:
        try:
            conn.execute("PRAGMA locking_mode = EXCLUSIVE")
            conn.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            raise InUseError(data_dir) from None
        except sqlite3.DatabaseError:
            return  # nothing that SQLite knows, so nobody works with it
        conn.execute("ROLLBACK")
