from __future__ import annotations

from typing import TYPE_CHECKING

from storage import reports, work
from storage.model import Lane, NewReport
from workers.health import find_fault, main
from workers.settings import WorkerSettings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from storage.database import Database

IMMEDIATELY_S = -1.0
"""As if everything had happened a second ago."""


def test_an_idle_worker_is_healthy(database: Database, database_url: str, redis_url: str) -> None:
    del database
    assert find_fault(WorkerSettings(database_url=database_url, redis_url=redis_url)) is None


def test_a_database_without_tables_is_a_fault(sqlite_url: str, redis_url: str) -> None:
    fault = find_fault(WorkerSettings(database_url=sqlite_url, redis_url=redis_url))
    assert fault is not None
    assert "marrow db upgrade" in fault


def test_a_redis_that_is_away_is_a_fault(
    sqlite_database: Database, sqlite_url: str, tmp_path: Path
) -> None:
    del sqlite_database
    away = f"redis+socket://{tmp_path}/nobody.sock"
    fault = find_fault(WorkerSettings(database_url=sqlite_url, redis_url=away))
    assert fault == "Redis does not answer"


def test_work_that_waits_while_none_is_done_is_stalled(database: Database) -> None:
    with database.begin() as conn:
        [accepted] = reports.accept(conn, [NewReport(text="No effusion.")], lane=Lane.BULK)
        assert not work.is_stalled(conn, for_s=3600)
        assert work.is_stalled(conn, for_s=IMMEDIATELY_S)
        assert accepted.work_id is not None
        work.claim(conn, accepted.work_id, lease_s=60)
        assert not work.is_stalled(conn, for_s=IMMEDIATELY_S)


def test_the_fault_is_told_in_one_line(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MARROW_DATABASE_URL", sqlite_url)
    assert main() == 1
    assert capsys.readouterr().err.count("\n") == 1
