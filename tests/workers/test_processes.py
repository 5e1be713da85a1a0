"""Real workers, a real dispatcher, a real Redis, and what may happen to them."""

from __future__ import annotations

import os
import re
import signal
import statistics
import time
from typing import TYPE_CHECKING

import pytest

from storage import reports
from storage.model import Lane, NewReport, ReportState
from tests.services import wait_until
from tests.workers.services import CRUDE, DISPATCHER, FROZEN, REAL, is_running, state_of

if TYPE_CHECKING:
    from tests.services import Postgres, RedisServer
    from tests.workers.services import Process, Service

pytestmark = pytest.mark.slow

HIP = "MRI LEFT HIP\nFINDINGS: ZZPHI-7f3a bone marrow oedema of the femoral head. No effusion."


def assert_each_done_once(service: Service, count: int) -> None:
    sums = service.sums()
    assert sums.balanced
    assert (sums.accepted, sums.done, sums.failed, sums.open) == (count, count, 0, 0)


def wait_for_children(worker: Process, count: int = 2) -> list[int]:
    return (
        wait_until(
            lambda: children if len(children := worker.children()) >= count else None,
            what="the worker's processes",
        )
        or []
    )


def test_posted_reports_are_done(service: Service) -> None:
    with service.process(CRUDE) as worker:
        service.post(*(f"report {n}" for n in range(250)))
        service.wait_for(finished=250)
        assert worker.stop() == 0
    assert_each_done_once(service, 250)


def test_a_single_report_is_done_at_once(sqlite_service: Service) -> None:
    service = sqlite_service
    seconds = []
    with service.process(CRUDE):
        service.post("the first one waits for the worker's start", lane=Lane.INTERACTIVE)
        service.wait_for(finished=1)
        for number in range(20):
            started = time.perf_counter()
            [accepted] = service.post(f"report {number}", lane=Lane.INTERACTIVE)

            def is_done(id_: str = accepted.id) -> bool:
                with service.database.read() as conn:
                    return reports.state(conn, id_) is ReportState.DONE

            wait_until(is_done)
            seconds.append(time.perf_counter() - started)
    # The goal is 100 ms on an idle machine; this one may have other things to do.
    assert statistics.median(seconds) < 0.5


@pytest.mark.chaos
def test_a_worker_killed_amid_2000_reports_loses_none(sqlite_service: Service) -> None:
    service = sqlite_service
    with service.process(DISPATCHER):
        with service.process(CRUDE) as worker:
            service.post(*(f"SLOW report {n}" for n in range(2_000)))
            service.wait_for(finished=300)
            children = worker.children()
            worker.kill()
            wait_until(lambda: not any(map(is_running, children)), what="the children's end")
        done = service.sums().done
        assert done < 2_000
        with service.process(CRUDE):
            service.wait_for(finished=2_000, deadline_s=90)
    assert_each_done_once(service, 2_000)


@pytest.mark.chaos
def test_bells_that_redis_forgot_are_rung_again(
    service: Service, redis_server: RedisServer
) -> None:
    service.post(*(f"report {n}" for n in range(300)))
    redis_server.flush()
    with service.process(DISPATCHER), service.process(CRUDE):
        service.wait_for(finished=300)
        service.accept("nobody rang for this one", lane=Lane.INTERACTIVE)
        service.wait_for(finished=301)
        redis_server.flush()
        service.post("a worker hears the bell after Redis forgot everything")
        service.wait_for(finished=302)
    assert_each_done_once(service, 302)


@pytest.mark.chaos
def test_a_redis_that_dies_and_comes_back_stops_nothing(
    sqlite_service: Service, redis_server: RedisServer
) -> None:
    service = sqlite_service
    with service.process(DISPATCHER), service.process(CRUDE):
        service.post(*(f"SLOW report {n}" for n in range(400)))
        service.wait_for(finished=100)
        redis_server.kill()
        try:
            service.post("accepted while Redis is away", lane=Lane.INTERACTIVE)
        finally:
            redis_server.start()
        service.wait_for(finished=401, deadline_s=90)
    assert_each_done_once(service, 401)


@pytest.mark.chaos
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_connections_that_postgresql_cuts_lose_nothing(
    service: Service, postgres: Postgres
) -> None:
    with service.process(DISPATCHER), service.process(CRUDE):
        service.post(*(f"SLOW report {n}" for n in range(600)))
        for finished in (1, 200, 400):
            service.wait_for(finished=finished)
            postgres.cut()
        service.wait_for(finished=600)
    assert_each_done_once(service, 600)


def test_a_worker_for_one_lane_leaves_the_other_alone(sqlite_service: Service) -> None:
    service = sqlite_service
    service.environment["MARROW_WORKER_LANES"] = '["interactive"]'
    with service.process(CRUDE):
        service.post("a bulk report")
        service.post("a single report", lane=Lane.INTERACTIVE)
        service.wait_for(finished=1)
    assert [report.state for report in service.stored()] == [ReportState.DONE, ReportState.QUEUED]


@pytest.mark.chaos
def test_a_report_that_kills_its_worker_fails_alone(sqlite_service: Service) -> None:
    service = sqlite_service
    texts = [f"report {n}" for n in range(30)]
    with service.process(DISPATCHER), service.process(CRUDE) as worker:
        service.post(*texts, "POISON ZZPHI-7f3a")
        service.wait_for(finished=31, deadline_s=90)
        assert "ZZPHI" not in worker.said()
    failed = [report for report in service.stored() if report.state is ReportState.FAILED]
    assert [report.error_code for report in failed] == ["worker_lost"]
    assert service.sums().balanced


def test_a_report_that_hangs_or_raises_fails_alone_and_is_not_logged(
    sqlite_service: Service,
) -> None:
    service = sqlite_service
    with service.process(CRUDE) as worker:
        service.post("report", "HANG ZZPHI-7f3a", "RAISE ZZPHI-7f3a", "another report")
        service.wait_for(finished=4)
        assert "report_failed" in worker.said()
        assert "ValueError" in worker.said()
        assert "ZZPHI" not in worker.said()
    codes = [report.error_code for report in reversed(service.stored())]
    assert codes == [None, "timeout", "extraction_failed", None]


@pytest.mark.chaos
def test_a_worker_frozen_past_its_lease_writes_nothing(sqlite_service: Service) -> None:
    service = sqlite_service
    service.environment |= {
        "MARROW_WORKER_CONCURRENCY": "1",
        "MARROW_UNIT_TIMEOUT_S": "0.6",
        "MARROW_TASK_TIME_LIMIT_S": "1.5",
        "MARROW_LEASE_S": "2",
    }
    with service.process(DISPATCHER), service.process(FROZEN) as frozen:
        service.post(*(f"report {n}" for n in range(50)), "FREEZE", "the last")
        [child] = wait_for_children(frozen, 1)
        wait_until(lambda: state_of(child) == "T", what="the freeze")
        # Its parent would kill it when its time is over.
        os.kill(frozen.pid, signal.SIGSTOP)
        with service.process(CRUDE):
            service.wait_for(finished=52)
            os.kill(child, signal.SIGCONT)
            wait_until(lambda: '"fenced"' in frozen.said(), what="the fence")
            os.kill(frozen.pid, signal.SIGCONT)
            assert frozen.stop() == 0
    assert_each_done_once(service, 52)


def test_the_unit_in_hand_is_done_before_a_worker_stops(sqlite_service: Service) -> None:
    service = sqlite_service
    with service.process(CRUDE) as worker:
        service.post(*(f"SLOW report {n}" for n in range(50)))
        wait_until(lambda: _is_leased(service), what="a claim")
        children = wait_for_children(worker)
        assert worker.stop() == 0
        assert not any(map(is_running, children))
    assert service.sums().done == 50


def _is_leased(service: Service) -> bool:
    from storage import work

    with service.database.read() as conn:
        return bool(work.leases(conn))


def test_a_dispatcher_stops_when_asked(sqlite_service: Service) -> None:
    with sqlite_service.process(DISPATCHER) as dispatcher:
        wait_until(lambda: "dispatcher_started" in dispatcher.said())
        assert dispatcher.stop() == 0


@pytest.mark.parametrize("command", [REAL, DISPATCHER])
def test_a_database_that_is_not_upgraded_is_refused(
    sqlite_service: Service, command: list[str], tmp_path: object
) -> None:
    sqlite_service.environment["MARROW_DATABASE_URL"] = f"sqlite:///{tmp_path}/empty.sqlite3"
    with sqlite_service.process(command) as process:
        wait_until(lambda: not is_running(process.pid))
        assert "DatabaseOutdatedError" in process.said()


def test_the_real_reader_reads_and_says_nothing_of_what_it_read(service: Service) -> None:
    with service.process(REAL) as worker:
        service.post(HIP, "", "x" * 300_000, "ZZPHI \x00 \ud800 broken")
        sums = service.wait_for(finished=4)
        assert worker.stop() == 0
        said = worker.said()
    assert sums.balanced
    by_size = {report.text_chars: report for report in service.stored()}
    assert by_size[len(HIP)].state is ReportState.DONE
    assert by_size[0].state is ReportState.DONE
    assert by_size[300_000].error_code == "text_too_long"
    with service.database.read() as conn:
        hip = reports.get(conn, by_size[len(HIP)].id)
    assert hip is not None
    assert hip.result is not None
    for mention in hip.result["mentions"]:
        assert HIP[mention["start"] : mention["end"]] == mention["quote"]
    assert "ZZPHI" not in said
    # PyRuSH logs each token with its rule, for example: "... | DEBUG | PyRuSH ... femoral".
    assert not re.search(r"pyrush|femoral|effusion|oedema", said, re.IGNORECASE)


def test_posting_the_same_report_while_it_is_read_adds_nothing(sqlite_service: Service) -> None:
    service = sqlite_service
    with service.process(CRUDE):
        for _ in range(5):
            with service.database.begin() as conn:
                [accepted] = reports.accept(
                    conn, [NewReport(text="SLOW", report_id="R1")], lane=Lane.INTERACTIVE
                )
            if accepted.work_id is not None:
                service.bell.ring(accepted.work_id, Lane.INTERACTIVE)
        service.wait_for(finished=1)
    assert_each_done_once(service, 1)
