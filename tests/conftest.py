"""Fixtures for everybody: real databases and a real Redis, nothing faked.

``database`` is an empty migrated database, once in SQLite and once in PostgreSQL.
``sqlite_database`` and ``postgresql_url`` are one of them; ``redis_url`` is a flushed Redis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from storage.database import Database
from tests.services import Postgres, RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL for all tests."""
    with Postgres.started() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis for all tests; one that kills it starts it again."""
    with RedisServer.started() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The address of a Redis that holds nothing."""
    redis_server.flush()
    return redis_server.url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'marrow.sqlite3'}"


@pytest.fixture
def postgresql_url(postgres: Postgres) -> Iterator[str]:
    """The address of an empty PostgreSQL database."""
    with postgres.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty migrated database of each kind."""
    yield from _migrated(database_url)


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    """An empty migrated SQLite database."""
    yield from _migrated(sqlite_url)


def _migrated(url: str) -> Iterator[Database]:
    database = Database(url)
    database.upgrade()
    yield database
    database.dispose()
