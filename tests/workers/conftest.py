from __future__ import annotations

import io
import logging
import sys
import threading
import warnings
from typing import TYPE_CHECKING

import pytest

from tests.workers.services import Service
from workers import logs

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


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What is logged in the test; everything is put back after it."""
    before = (sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning)
    root = (logging.root.handlers, logging.root.level, logging.lastResort)
    written = io.StringIO()
    logs.configure(stream=written)
    yield written
    logs._configure_ours()
    sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning = before
    logging.root.handlers, logging.root.level, logging.lastResort = root
