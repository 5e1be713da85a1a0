from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.workers.services import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storage.database import Database


@pytest.fixture
def service(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Service]:
    """A service on each kind of database."""
    with Service.on(database, redis_url, tmp_path) as made:
        yield made


@pytest.fixture
def sqlite_service(sqlite_database: Database, redis_url: str, tmp_path: Path) -> Iterator[Service]:
    """A service on SQLite."""
    with Service.on(sqlite_database, redis_url, tmp_path) as made:
        yield made
