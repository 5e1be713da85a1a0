"""Audits by real workers and a real dispatcher: the same tables as `marrow audit`, come what may."""

from __future__ import annotations

import csv
import os
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from storage import audits
from storage.audit_model import AuditState
from tests.services import wait_until
from tests.workers.auditing import ask, audit_here, differing, load, wait_for, write_archive
from tests.workers.services import DEADLY, DISPATCHER, REAL, state_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.workers.services import Process, Service

pytestmark = pytest.mark.slow


def test_an_audit_by_the_service_equals_the_local_one(service: Service, tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "export.jsonl", reports=600)
    expected = audit_here(archive, tmp_path / "local", "--focus", "hip")
    id_ = ask(service, archive, focus="hip")
    with service.process(DISPATCHER), service.process(REAL):
        done = wait_for(service, id_, AuditState.DONE, AuditState.FAILED)
        assert (done.state, done.error_code) == (AuditState.DONE, None)
        assert differing(tmp_path / (done.output_files or ""), expected) == {}
        left = tmp_path / "audits" / id_
        wait_until(lambda: len(list(left.iterdir())) == 1, what="the end of all other files")
    assert done.counts is not None
    assert done.counts.rows_read == 630
    assert done.progress.reports == done.counts.planned - done.counts.passed_over
    assert not any((tmp_path / "scratch").glob("*/*"))


def shards_done(service: Service, id_: str) -> int:
    return load(service, id_).progress.shards


@pytest.mark.chaos
def test_workers_that_are_killed_do_not_change_the_tables(
    sqlite_service: Service, tmp_path: Path
) -> None:
    service = sqlite_service
    service.environment["MARROW_WORKER_CONCURRENCY"] = "1"
    archive = write_archive(tmp_path / "export.jsonl", reports=1_800)
    expected = audit_here(archive, tmp_path / "local")
    id_ = ask(service, archive)
    kills = 0
    with service.process(DISPATCHER):
        for wanted in (AuditState.PLANNING, *[AuditState.EXTRACTING] * 2):
            with service.process(REAL) as worker:
                before = shards_done(service, id_)

                def moved(wanted: AuditState = wanted, before: int = before) -> bool:
                    found = load(service, id_)
                    return found.state is not AuditState.QUEUED and (
                        wanted is AuditState.PLANNING or found.progress.shards > before
                    )

                wait_until(moved, deadline_s=60, what="progress")
                worker.clean_up()
                kills += load(service, id_).state is not AuditState.DONE
        with service.process(REAL):
            done = wait_for(service, id_, AuditState.DONE, AuditState.FAILED)
    assert (done.state, kills) == (AuditState.DONE, 3)
    assert differing(tmp_path / (done.output_files or ""), expected) == {}


@pytest.mark.chaos
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("kind", ["file", "local"], ids=["directory", "fsspec"])
def test_three_workers_with_data_directories_of_their_own_finish_one_audit_together(
    service: Service, tmp_path: Path, kind: str
) -> None:
    archive = write_archive(tmp_path / "export.jsonl", reports=3_000)
    expected = audit_here(archive, tmp_path / "local")
    store = tmp_path / "store"
    service.environment |= {
        "MARROW_DATA_URL": f"{kind}://{store}",
        "MARROW_WORKER_CONCURRENCY": "1",
    }
    with ExitStack() as stack:
        stack.enter_context(service.process(DISPATCHER, MARROW_DATA_DIR=str(tmp_path / "d")))
        workers = [
            stack.enter_context(service.process(REAL, MARROW_DATA_DIR=str(tmp_path / f"w{n}")))
            for n in range(3)
        ]
        wait_until(lambda: all("worker_started" in one.said() for one in workers), deadline_s=60)
        id_ = ask(service, archive, root=store)
        done = wait_for(service, id_, AuditState.DONE, AuditState.FAILED)
        assert all("work_ended" in one.said() for one in workers)
    assert differing(store / (done.output_files or ""), expected) == {}


@pytest.mark.chaos
def test_a_report_that_kills_its_process_is_a_failure_and_the_others_are_read(
    sqlite_service: Service, tmp_path: Path
) -> None:
    service = sqlite_service
    archive = write_archive(tmp_path / "export.jsonl", reports=400)
    with archive.open("a") as file:
        file.write('{"id": "deadly", "text": "POISON ZZPHI-7f3a"}\n')
    with service.process(DISPATCHER), service.process(DEADLY) as worker:
        done = wait_for(service, ask(service, archive), AuditState.DONE, AuditState.FAILED)
        assert "ZZPHI" not in worker.said()
    assert (done.state, done.progress.failed) == (AuditState.DONE, 1)
    output = tmp_path / (done.output_files or "")
    with (output / "failures.csv").open(encoding="utf-8-sig", newline="") as file:
        codes = {row["report_id"]: row["code"] for row in csv.DictReader(file)}
    assert codes["deadly"] == "process_died"


@pytest.mark.chaos
def test_a_worker_frozen_past_its_lease_changes_nothing(
    sqlite_service: Service, tmp_path: Path
) -> None:
    service = sqlite_service
    service.environment |= {
        "MARROW_UNIT_TIMEOUT_S": "0.6",
        "MARROW_TASK_TIME_LIMIT_S": "1.5",
        "MARROW_LEASE_S": "2",
    }
    archive = write_archive(tmp_path / "export.jsonl", reports=700)
    rows = archive.read_text()
    archive.write_text('{"id": "frozen", "text": "FREEZE"}\n' + rows)
    expected = audit_here(archive, tmp_path / "local")
    id_ = ask(service, archive)
    freezing = {"DEADLY_FREEZES": "1", "MARROW_WORKER_CONCURRENCY": "1"}
    with service.process(DISPATCHER), service.process(DEADLY, **freezing) as frozen:
        [child] = wait_until(lambda: is_frozen(frozen), deadline_s=60, what="the freeze") or []
        # Its parent, too: it would find itself deaf, and end with its child.
        os.kill(frozen.pid, signal.SIGSTOP)
        with service.process(REAL):
            done = wait_for(service, id_, AuditState.DONE, AuditState.FAILED)
        os.kill(child, signal.SIGCONT)
        wait_until(lambda: '"fenced"' in frozen.said(), what="the fence")
        os.kill(frozen.pid, signal.SIGCONT)
        assert frozen.stop() == 0
    assert differing(tmp_path / (done.output_files or ""), expected) == {}
    wait_until(lambda: len(list((tmp_path / "audits" / id_).iterdir())) == 1, what="the sweep")


def is_frozen(process: Process) -> list[int]:
    """Return its child processes that are stopped."""
    return [pid for pid in process.children() if state_of(pid) == "T"]


def test_a_deleted_audit_leaves_no_file_even_if_it_was_being_read(
    sqlite_service: Service, tmp_path: Path
) -> None:
    service = sqlite_service
    id_ = ask(service, write_archive(tmp_path / "export.jsonl", reports=4_000))
    with service.process(DISPATCHER), service.process(REAL) as worker:
        wait_until(lambda: shards_done(service, id_), deadline_s=60, what="the first shard")
        with service.database.begin() as conn:
            assert audits.delete(conn, id_)
        wait_until(lambda: not (tmp_path / "audits" / id_).exists(), what="the end of its files")
        assert worker.stop() == 0
    assert not (tmp_path / "audits" / id_).exists()
    assert not list((tmp_path / "scratch").glob("*/*"))
