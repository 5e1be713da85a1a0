from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from storage import work
from storage.model import Lane
from tests.services import wait_until
from tests.workers.services import CRUDE, DISPATCHER, is_running
from workers.settings import WorkerSettings
from workers.watchdog import DEAF, is_deaf, stays_deaf

if TYPE_CHECKING:
    from tests.services import RedisServer
    from tests.workers.services import Service

DEAF_WORKER = [sys.executable, str(Path(__file__).with_name("deaf_worker.py"))]
LADDER = {"report_timeout_s": 0.1, "unit_timeout_s": 0.2, "task_time_limit_s": 0.4, "lease_s": 0.5}


def settings(service: Service, **others: object) -> WorkerSettings:
    named = {
        "database_url": service.environment["MARROW_DATABASE_URL"],
        "redis_url": service.environment["MARROW_REDIS_URL"],
        "shard_time_limit_s": 100,
    }
    return WorkerSettings.model_validate(named | LADDER | others)


def is_deaf_by_now(service: Service) -> bool:
    return wait_until(lambda: is_deaf(settings(service)), what="the deafness")


def test_bells_that_nobody_hears_make_a_worker_deaf(service: Service) -> None:
    [accepted] = service.post("report")
    assert not is_deaf(settings(service, lease_s=300))
    assert is_deaf_by_now(service)
    assert not is_deaf(settings(service, worker_lanes=["interactive"]))
    assert accepted.work_id is not None
    with service.database.begin() as conn:
        held = work.claim(conn, accepted.work_id, lease_s=60)
    assert held is not None
    assert not is_deaf(settings(service))
    with service.database.begin() as conn:
        work.release(conn, held)
    assert is_deaf_by_now(service)


def test_work_without_bells_is_the_dispatchers_fault(
    sqlite_service: Service, redis_server: RedisServer
) -> None:
    sqlite_service.post("report")
    assert is_deaf_by_now(sqlite_service)
    redis_server.flush()
    assert not is_deaf(settings(sqlite_service))


def test_what_is_away_cannot_be_heard(sqlite_service: Service, redis_server: RedisServer) -> None:
    sqlite_service.post("report")
    assert is_deaf_by_now(sqlite_service)
    assert not is_deaf(settings(sqlite_service, database_url="sqlite:////nowhere/x.sqlite3"))
    redis_server.kill()
    try:
        assert not is_deaf(settings(sqlite_service))
    finally:
        redis_server.start()


def test_a_worker_that_was_deaf_for_a_moment_only_goes_on() -> None:
    """Such as when Redis has just come back: old work waits with its bells for a second."""
    looks = iter([True, False, True, False, False, True, True, True])
    assert not stays_deaf([True, False, True, False])
    assert stays_deaf(looks)
    assert list(looks) == [True]


@pytest.mark.slow
def test_a_worker_that_hears_nothing_ends_and_another_one_does_its_work(
    sqlite_service: Service,
) -> None:
    service = sqlite_service
    service.environment |= {
        "MARROW_REPORT_TIMEOUT_S": "0.5",
        "MARROW_UNIT_TIMEOUT_S": "0.8",
        "MARROW_TASK_TIME_LIMIT_S": "1.5",
        "MARROW_LEASE_S": "2",
    }
    with service.process(DISPATCHER):
        with service.process(DEAF_WORKER) as deaf:
            wait_until(lambda: len(deaf.children()) >= 2, what="its processes")
            children = deaf.children()
            service.accept("report", lane=Lane.INTERACTIVE)
            assert deaf.wait() == DEAF
            assert "worker_deaf" in deaf.said()
            wait_until(lambda: not any(map(is_running, children)), what="their end")
        with service.process(CRUDE) as worker:
            service.wait_for(finished=1)
            assert is_running(worker.pid)
