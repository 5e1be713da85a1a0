"""Workers that are killed and frozen at every point of a unit of work."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.chaos.fuses import Action, Point
from tests.chaos.marks import POSTGRESQL, SQLITE, on
from tests.services import wait_until
from tests.workers.services import is_running, state_of

if TYPE_CHECKING:
    from tests.chaos.installation import Process
    from tests.chaos.scenario import Chaos

KILLS = 5
"""Fewer than it takes to split a unit of 25 reports down to a single one, which would be taken for
poison then: three for each level."""
OF_A_WORKER = (
    Point.CLAIMING,
    Point.CLAIMED,
    Point.READING,
    Point.FINISHING,
    Point.WRITTEN,
    Point.FINISHED,
)


def kill_at(chaos: Chaos, *points: Point) -> None:
    """Post the reports in waves, with a worker's process killed in each."""
    chaos.service.start_all()
    for point, wave in zip(points, chaos.waves(len(points)), strict=True):
        chaos.service.fuses.arm(Action.KILL, point)
        chaos.service.client.post(wave)
        chaos.service.hit(Action.KILL, point)
        chaos.faults += 1
    chaos.check()


@pytest.mark.parametrize("point", OF_A_WORKER)
@on(SQLITE, POSTGRESQL)
def test_a_worker_killed(chaos: Chaos, point: Point) -> None:
    kill_at(chaos, *[point] * KILLS)


@on(SQLITE, POSTGRESQL, short=(POSTGRESQL,))
def test_a_worker_killed_at_each_point_in_turn(chaos: Chaos) -> None:
    kill_at(chaos, *OF_A_WORKER)


@on(SQLITE, POSTGRESQL, short=(SQLITE,))
def test_a_whole_worker_killed_with_all_its_processes(chaos: Chaos) -> None:
    service = chaos.service
    service.start_all()
    for wave in chaos.waves(2):
        service.fuses.arm(Action.FREEZE, Point.READING)
        service.client.post(wave)
        service.hit(Action.FREEZE, Point.READING)
        worker = service.part("worker")
        children = worker.children()
        worker.kill()
        chaos.faults += 1
        # Frozen or not: whoever has lost his parent is killed by the kernel.
        for child in children:
            wait_until(partial(is_gone, child), what="the children's end")
        service.start("worker")
    chaos.check()


def is_gone(pid: int) -> bool:
    return not is_running(pid)


def freeze(chaos: Chaos, point: Point) -> tuple[Process, int]:
    """Freeze a worker at a point, its parent too, as on a host that stands still; return both."""
    service = chaos.service
    service.fuses.arm(Action.FREEZE, point)
    [worker] = service.start("worker")
    service.client.post(chaos.reports)
    service.hit(Action.FREEZE, point)
    # Its parent would kill it when its time is over, and it would have no chance to do harm.
    worker.send(signal.SIGSTOP)
    [frozen] = service.fuses.hit()
    wait_until(lambda: state_of(frozen) == "T", what="the freeze")
    chaos.faults += 1
    return worker, frozen


@pytest.mark.parametrize("point", [Point.CLAIMED, Point.READING])
@on(SQLITE, POSTGRESQL)
def test_a_worker_frozen_past_its_lease_and_thawed(chaos: Chaos, point: Point) -> None:
    frozen_and_fenced(chaos, point)


@on(SQLITE, POSTGRESQL, short=(SQLITE,))
def test_a_worker_frozen_before_it_writes_and_thawed_past_its_lease(chaos: Chaos) -> None:
    frozen_and_fenced(chaos, Point.FINISHING)


def frozen_and_fenced(chaos: Chaos, point: Point) -> None:
    """Let somebody else do everything meanwhile; what the first one brings must not count."""
    service = chaos.service
    service.environment |= {
        "MARROW_REPORT_TIMEOUT_S": "1",
        "MARROW_UNIT_TIMEOUT_S": "1.5",
        "MARROW_TASK_TIME_LIMIT_S": "2.6",
        "MARROW_LEASE_S": "3",
        "MARROW_WORKER_CONCURRENCY": "1",
    }
    service.start("api", "dispatcher")
    service.wait_for_api()
    worker, frozen = freeze(chaos, point)
    service.start("worker")
    chaos.wait_until_done()
    os.kill(frozen, signal.SIGCONT)
    # Before its parent can judge it.
    wait_until(lambda: '"fenced"' in worker.said(), what="the fence")
    worker.send(signal.SIGCONT)
    chaos.check()


@on(SQLITE, POSTGRESQL)
def test_a_worker_frozen_inside_its_transaction(chaos: Chaos) -> None:
    """It holds the database's locks meanwhile, in SQLite the only one for writing."""
    service = chaos.service
    service.environment["MARROW_WORKER_CONCURRENCY"] = "1"
    service.start("api", "dispatcher")
    service.wait_for_api()
    worker, frozen = freeze(chaos, Point.WRITTEN)
    [rescuer] = service.start("worker")
    wait_until(lambda: "worker_started" in rescuer.said(), deadline_s=60, what="another worker")
    os.kill(frozen, signal.SIGCONT)
    worker.send(signal.SIGCONT)
    chaos.check()
