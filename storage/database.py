"""Connections and transactions: the one place that commits."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from storage import sealing
from storage.errors import (
    DatabaseNewerError,
    DatabaseOutdatedError,
    DatabaseUnavailableError,
    UnknownRevisionError,
)
from storage.text_keys import KeyringFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.config import Config
    from sqlalchemy.engine import URL, Connection, Engine

    from storage.settings import StorageSettings

HEAD = "0010"
"""The newest revision of the tables (a test compares it with the migrations: asking Alembic takes
a quarter of a second, which every process would wait at its start)."""
BUSY_TIMEOUT_MS = 15_000
_LOOK_AGAIN_S = 0.001
_UPGRADE_LOCK = 0x6D617272
"""The advisory lock (PostgreSQL) under which migrations run: "marr" as a number."""


class Database:
    """One database, SQLite or PostgreSQL. Open it after a fork, not before.

    In a ``with`` block its connections are closed at the end.
    """

    def __init__(self, url: str, text_keys: KeyringFile | None = None) -> None:
        """Prepare for ``url``; nothing is opened until the first transaction.

        Texts are sealed with ``text_keys``, and plain without them.
        """
        self.url = _with_driver(make_url(url))
        self.engine = _make_engine(self.url).execution_options(**{sealing.OPTION: text_keys})
        self._writing = threading.Lock()

    @classmethod
    def open(cls, settings: StorageSettings) -> Database:
        """Return the database of the settings, with its data directory made."""
        settings.make_data_dir()
        path = settings.text_key_file
        return cls(settings.url, None if path is None else KeyringFile(path))

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a SQLite file, which only processes of this host can share."""
        return self.url.get_backend_name() == "sqlite"

    def __enter__(self) -> Self:
        """Give the database itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections."""
        self.dispose()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Give a connection in a writing transaction: committed at the end, or rolled back.

        Raises DatabaseUnavailableError where the database does not answer or stays locked.
        """
        with self._turn(), _translated(), self.engine.connect() as conn, conn.begin():
            yield conn

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let one thread write at a time in SQLite, which has one lock for all and no queue for it.

        Whoever finds it taken sleeps there up to a tenth of a second before he looks again: many
        threads that write would keep each other asleep, and other processes from ever having it.
        """
        if not self.is_sqlite:
            yield
            return
        if not self._writing.acquire(timeout=BUSY_TIMEOUT_MS / 1_000):
            raise DatabaseUnavailableError
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection in a reading transaction, which sees one state of the database."""
        with _translated(), self.engine.connect() as conn:
            conn.execution_options(marrow_read_only=True, postgresql_readonly=True)
            if not self.is_sqlite:
                # By default each statement would see a state of its own, and sums would not add up.
                conn.execution_options(isolation_level="REPEATABLE READ")
            with conn.begin():
                yield conn

    def upgrade(self) -> None:
        """Bring the tables to what this version needs; safe to call from several at once.

        Raises DatabaseNewerError where they are those of a newer version.
        """
        self._migrate(HEAD)

    def downgrade(self, revision: str) -> None:
        """Bring the tables back to an older revision, ``base`` for none; what came since is lost.

        Raises DatabaseNewerError as above, and UnknownRevisionError.
        """
        self._migrate(revision, is_down=True)

    def _migrate(self, revision: str, *, is_down: bool = False) -> None:
        from alembic import command  # noqa: PLC0415 (slow to import, and only this needs it)
        from alembic.util import CommandError  # noqa: PLC0415 (as above)

        with self.begin() as conn:
            if not self.is_sqlite:
                conn.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _UPGRADE_LOCK})
            found = _revision(conn)
            if found is not None and found > HEAD:
                raise DatabaseNewerError(found, HEAD)
            if is_down and not _is_older(revision, found):
                raise UnknownRevisionError(found)
            config = _alembic_config()
            config.attributes["connection"] = conn
            try:
                (command.downgrade if is_down else command.upgrade)(config, revision)
            except CommandError:
                raise UnknownRevisionError(found) from None

    def revision(self) -> str | None:
        """Return the revision of the tables, ``None`` for an empty database."""
        with self.read() as conn:
            return _revision(conn)

    def check_current(self) -> None:
        """Raise DatabaseOutdatedError unless the tables are what this version needs.

        And TextKeyError unless all keys are there that texts are sealed with.
        """
        found = self.revision()
        if found is not None and found > HEAD:
            raise DatabaseNewerError(found, HEAD)
        if found != HEAD:
            raise DatabaseOutdatedError(found, HEAD)
        with self.read() as conn:
            sealing.sealer_of(conn).check_keys(conn)

    def ping(self) -> None:
        """Raise DatabaseUnavailableError unless the database answers."""
        with self.read() as conn:
            conn.execute(text("SELECT 1"))

    def wait(self, timeout_s: float) -> None:
        """Wait for a database that is only starting; DatabaseUnavailableError when time is up."""
        end = time.monotonic() + timeout_s
        while True:
            try:
                self.ping()
            except DatabaseUnavailableError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)
            else:
                return

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _revision(conn: Connection) -> str | None:
    if not inspect(conn).has_table("alembic_version"):
        return None
    found: str | None = conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _is_older(revision: str, found: str | None) -> bool:
    return found is not None and (revision == "base" or (revision.isdecimal() and revision < found))


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the driver's errors about the connection into ours.

    ``from None``: messages of PostgreSQL may quote the values of a row.
    """
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeoutError):
        raise DatabaseUnavailableError from None
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseUnavailableError from None
        raise


def _with_driver(url: URL) -> URL:
    """Name psycopg 3 where the address leaves the driver open."""
    if url.get_backend_name() in {"postgresql", "postgres"} and "+" not in url.drivername:
        return url.set(drivername="postgresql+psycopg")
    return url


def _make_engine(url: URL) -> Engine:
    # hide_parameters: an error's message must not hold the text of a report.
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": 15})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": 5,
            # Said, not taken from the database: in one of encoding SQL_ASCII text would be bytes.
            "client_encoding": "utf8",
            "options": "-c lock_timeout=5s -c idle_in_transaction_session_timeout=60s",
        },
    )


def _prepare_sqlite(connection: Any, record: object) -> None:
    del record
    # The driver must not begin transactions by itself: `begin` below does.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    # FULL: with NORMAL, a power cut may take the last commits, that is, accepted reports.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    # What is deleted is overwritten: it was patient data.
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _begin_sqlite(conn: Connection) -> None:
    if conn.get_execution_options().get("marrow_read_only", False):
        conn.exec_driver_sql("BEGIN")
        return
    # SQLite's own wait would sleep a tenth of a second between two tries: a process that writes
    # often, as the API does under load, would hardly ever be found between two transactions.
    conn.exec_driver_sql("PRAGMA busy_timeout = 0")
    try:
        _begin_immediate(conn)
    finally:
        conn.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")


def _begin_immediate(conn: Connection) -> None:
    # IMMEDIATE: a transaction that starts by reading and then writes fails at once when another
    # one wrote in between, whatever busy_timeout says.
    end = time.monotonic() + BUSY_TIMEOUT_MS / 1_000
    while True:
        try:
            conn.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            code = getattr(error.orig, "sqlite_errorcode", None)
            if code != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(_LOOK_AGAIN_S)
        else:
            return


def _alembic_config() -> Config:
    from alembic.config import Config  # noqa: PLC0415 (as in Database.upgrade)

    config = Config()
    config.set_main_option(
        "script_location", str(Path(__file__).parent / "migrations").replace("%", "%%")
    )
    config.set_main_option("path_separator", "os")
    return config
