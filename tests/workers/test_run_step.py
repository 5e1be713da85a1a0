"""One step of an audit, in this process: what goes wrong with it, and what it leaves behind."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest

from extractor import Extractor
from storage import audits, work
from storage.audit_model import AuditState
from storage.errors import FencedError
from storage.model import WorkKind
from storage.work import MAX_STEP_ATTEMPTS
from tests.services import wait_until
from tests.workers.auditing import ask, load, write_archive
from workers.holder import holder
from workers.lease import KeptLease
from workers.run_work import Ending, run_work
from workers.scratch import scratch, tidy
from workers.settings import WorkerSettings

if TYPE_CHECKING:
    import io
    from pathlib import Path

    from storage.model import Claim
    from tests.workers.services import Service
    from workers.run_work import Reader


@cache
def extractor() -> Extractor:
    return Extractor.load()


@cache
def changed() -> Extractor:
    """An extractor with other patterns, as a worker after an update has."""
    other = Extractor(extractor().patterns)
    other.engine = replace(other.engine, patterns_digest="sha256:other")
    return other


def step(service: Service, reader: Reader | None = None) -> Ending:
    """Do the next step there is."""
    with service.database.read() as conn:
        [unit, *_] = work.ring_due(conn, older_than_s=-1, limit=10)
    assert unit.kind is not WorkKind.REPORTS
    [done] = run_work(
        unit.work_id,
        database=service.database,
        reader=extractor() if reader is None else reader,
        settings=WorkerSettings(data_dir=service.folder),
    )
    return done.ending


@pytest.fixture
def planned(sqlite_service: Service, tmp_path: Path) -> str:
    """An audit whose plan stands."""
    id_ = ask(sqlite_service, write_archive(tmp_path / "export.jsonl", reports=20))
    assert step(sqlite_service) is Ending.DONE
    return id_


def test_results_of_two_engines_are_never_mixed(sqlite_service: Service, planned: str) -> None:
    for _ in range(MAX_STEP_ATTEMPTS - 1):
        assert step(sqlite_service, changed()) is Ending.PUT_BACK
        assert load(sqlite_service, planned).state is AuditState.EXTRACTING
    step(sqlite_service, changed())
    failed = load(sqlite_service, planned)
    assert (failed.state, failed.error_code) == (AuditState.FAILED, "engine_changed")


def test_the_right_worker_goes_on_with_what_another_put_back(
    sqlite_service: Service, planned: str
) -> None:
    assert step(sqlite_service, changed()) is Ending.PUT_BACK
    assert [step(sqlite_service) for _ in range(2)] == [Ending.DONE] * 2
    assert load(sqlite_service, planned).state is AuditState.DONE


def test_a_step_that_goes_wrong_again_and_again_fails_the_audit(
    sqlite_service: Service, planned: str, stream: io.StringIO
) -> None:
    plan_files = load(sqlite_service, planned).plan_files
    shutil.rmtree(sqlite_service.folder / str(plan_files) / "shards")
    endings = [step(sqlite_service) for _ in range(MAX_STEP_ATTEMPTS)]
    assert endings == [Ending.PUT_BACK] * (MAX_STEP_ATTEMPTS - 1) + [Ending.DONE]
    assert load(sqlite_service, planned).error_code == "step_failed"
    assert "FileNotFoundError" in stream.getvalue()


def test_an_audit_that_is_cancelled_while_it_is_read_leaves_nothing(
    sqlite_service: Service, planned: str
) -> None:
    class Cancels(Extractor):
        def extract(self, report):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            with sqlite_service.database.begin() as conn:
                audits.cancel(conn, planned)
            return super().extract(report)

    assert step(sqlite_service, Cancels(extractor().patterns)) is Ending.FENCED
    results = sqlite_service.folder / "audits" / planned / "results"
    assert not list(results.glob("*"))
    assert not list((sqlite_service.folder / "scratch").glob("*/*"))


def claimed(service: Service, *, lease_s: float) -> Claim:
    with service.database.begin() as conn:
        [unit, *_] = work.ring_due(conn, older_than_s=-1, limit=10)
        held = work.claim(conn, unit.work_id, lease_s=lease_s)
    assert held is not None
    return held


def test_a_lease_is_kept_as_long_as_the_step_takes(sqlite_service: Service, tmp_path: Path) -> None:
    ask(sqlite_service, write_archive(tmp_path / "export.jsonl", reports=1))
    database = sqlite_service.database
    held = claimed(sqlite_service, lease_s=1)
    with KeptLease(database, held, lease_s=1) as lease:
        ended = time.monotonic() + 2
        wait_until(lambda: time.monotonic() > ended, what="two leases")
        with database.begin() as conn:
            assert work.reclaim_expired(conn) == 0
            work.expire(conn, work.leases(conn))

        def is_lost() -> bool:
            try:
                lease.check()
            except FencedError:
                return True
            return False

        wait_until(is_lost, what="the loss")


def test_what_dead_processes_left_is_removed(sqlite_service: Service, tmp_path: Path) -> None:
    ask(sqlite_service, write_archive(tmp_path / "export.jsonl", reports=1))
    root = tmp_path / "scratch"
    machine, _, started = holder().split("/")
    dead = root / f"{machine}/{os.getpid()}/{int(started) - 1}".encode().hex()
    old, fresh = root / "upload-old", root / "upload-fresh"
    for folder in (dead, old, fresh):
        (folder / "inner").mkdir(parents=True)
    os.utime(old, (0, 0))
    with scratch(root, claimed(sqlite_service, lease_s=60)) as own:
        tidy(root)
        assert own.is_dir()
        assert [path.exists() for path in (dead, old, fresh)] == [False, False, True]
    assert not own.exists()
