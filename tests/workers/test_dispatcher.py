from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from storage import idempotency, sums, work
from storage.clock import now
from storage.idempotency import KEPT_S, Answer, Request
from storage.model import Lane, ReportState
from storage.tables import idempotency as answers
from storage.tables import work as units
from tests.services import wait_until
from workers.dispatcher import Dispatcher, Pass
from workers.settings import WorkerSettings

if TYPE_CHECKING:
    import io

    from storage.model import Claim, Reconciliation
    from tests.services import RedisServer
    from tests.workers.services import Service

DEAD = "0/0/0"


def dispatcher(service: Service, **settings: float) -> Dispatcher:
    return Dispatcher(service.database, service.bell, WorkerSettings.model_validate(settings))


def claim(service: Service, work_id: int | None, *, holder: str = "", lease_s: float = -1) -> Claim:
    assert work_id is not None
    with service.database.begin() as conn:
        claim = work.claim(conn, work_id, lease_s=lease_s, holder=holder)
    assert claim is not None
    return claim


def test_with_nothing_to_do_nothing_is_done(service: Service) -> None:
    assert dispatcher(service).turn() == Pass()


def test_what_nobody_was_told_of_is_rung_for_once_in_a_while(service: Service) -> None:
    service.accept(*(f"report {n}" for n in range(150)))
    assert dispatcher(service).turn().rung == 0
    soon = dispatcher(service, ring_again_s=0.001)
    assert soon.turn().rung == 2
    assert service.bell.waiting(Lane.BULK) == 2
    assert dispatcher(service).turn().rung == 0


def test_the_queue_of_bells_stays_short(service: Service) -> None:
    service.accept(*(f"report {n}" for n in range(450)))
    loud = dispatcher(service, ring_again_s=0.001, bells_at_most=3)
    assert loud.turn().rung == 3
    assert loud.turn().rung == 0
    assert service.bell.waiting(Lane.BULK) == 3


def test_a_full_lane_does_not_silence_the_other(service: Service) -> None:
    service.accept(*(f"report {n}" for n in range(450)))
    loud = dispatcher(service, ring_again_s=0.001, bells_at_most=2)
    loud.turn()
    service.accept("quick", lane=Lane.INTERACTIVE)
    assert loud.turn().rung == 1
    assert service.bell.waiting(Lane.INTERACTIVE) == 1


def test_an_ended_lease_is_reclaimed_and_rung_for_in_the_same_turn(service: Service) -> None:
    [accepted] = service.accept("report")
    claim(service, accepted.work_id)
    assert dispatcher(service).turn() == Pass(reclaimed=1, rung=1)


def test_a_poison_report_is_marked_after_three_lost_leases(service: Service) -> None:
    [accepted] = service.accept("report")
    loop = dispatcher(service)
    turns = []
    for _ in range(work.MAX_ATTEMPTS):
        claim(service, accepted.work_id)
        turns.append(loop.turn())
    assert turns[-1] == Pass(reclaimed=1, quarantined=1)
    [stored] = service.stored()
    assert (stored.state, stored.error_code) == (ReportState.FAILED, "worker_lost")


def test_without_redis_the_loop_goes_on_and_rings_later(
    sqlite_service: Service, redis_server: RedisServer
) -> None:
    sqlite_service.accept("report")
    loop = dispatcher(sqlite_service, ring_again_s=0.001)
    redis_server.kill()
    try:
        assert loop.turn().rung == 0
    finally:
        redis_server.start()
    assert loop.turn().rung == 1


def test_what_goes_wrong_in_a_turn_does_not_end_the_loop(
    sqlite_service: Service, stream: io.StringIO
) -> None:
    loop = dispatcher(sqlite_service, dispatch_every_s=0.01)
    stop = threading.Event()
    turns = []

    def turn() -> Pass:
        turns.append(1)
        if len(turns) == 3:
            stop.set()
        raise RuntimeError("ZZPHI")

    loop.turn = turn  # type: ignore[method-assign]
    loop.run(stop)
    assert len(turns) == 3
    assert stream.getvalue().count("dispatch_failed") == 1


def test_where_all_reports_are_is_counted_and_kept_for_who_asks(service: Service) -> None:
    service.accept(*(f"report {n}" for n in range(3)))

    def counted() -> Reconciliation | None:
        with service.database.read() as conn:
            found = sums.last(conn)
        return None if found is None else found.reports

    stop = threading.Event()
    loop = threading.Thread(target=dispatcher(service).run, args=(stop,))
    loop.start()
    try:
        wait_until(counted, what="the sum")
    finally:
        stop.set()
        loop.join()
    assert counted() == service.sums()
    assert service.sums().open == 3


def test_a_sum_that_does_not_match_is_an_alarm(
    sqlite_service: Service, stream: io.StringIO
) -> None:
    [accepted] = sqlite_service.accept("report")
    loop = dispatcher(sqlite_service)
    loop._reconcile()
    assert stream.getvalue() == ""
    with sqlite_service.database.begin() as conn:
        conn.execute(update(units).where(units.c.id == accepted.work_id).values(state="done"))
    loop._reconcile()
    [line] = map(json.loads, stream.getvalue().splitlines())
    assert (line["event"], line["accepted"], line["open"]) == ("reports_do_not_add_up", 1, 0)
    assert line["level"] == "critical"


def test_old_answers_to_repeated_requests_are_forgotten_while_it_runs(service: Service) -> None:
    request = Request(principal="k1", route="POST /v1/reports", key="8e03978e")
    answer = Answer(body_sha256="00", status=202, response={"reports": []})
    with service.database.begin() as conn:
        idempotency.remember(conn, request, answer)
        conn.execute(update(answers).values(created_at=now(offset_s=-KEPT_S - 1)))

    def kept() -> int:
        with service.database.read() as conn:
            return conn.execute(select(func.count()).select_from(answers)).scalar_one()

    assert kept() == 1
    stop = threading.Event()
    loop = threading.Thread(target=dispatcher(service).run, args=(stop,))
    loop.start()
    try:
        wait_until(lambda: kept() == 0)
    finally:
        stop.set()
        loop.join()
