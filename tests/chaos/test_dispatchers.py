"""One dispatcher is enough, two do no harm, and none is missed for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chaos.fuses import Action, Point
from tests.chaos.marks import POSTGRESQL, SQLITE, on

if TYPE_CHECKING:
    from tests.chaos.scenario import Chaos


@on(SQLITE, POSTGRESQL, short=(POSTGRESQL,))
def test_two_dispatchers_at_once(chaos: Chaos) -> None:
    service = chaos.service
    service.start_all()
    service.start("dispatcher")
    for wave in chaos.waves(3):
        # There is something to bring back and to ring for.
        service.fuses.arm(Action.KILL, Point.READING)
        service.client.post(wave)
        service.redis.flush()
        service.hit(Action.KILL, Point.READING)
        chaos.faults += 2
    chaos.check()


@on(SQLITE, POSTGRESQL, short=(SQLITE,))
def test_no_dispatcher_for_a_while(chaos: Chaos) -> None:
    service = chaos.service
    worker = service.start("api", "worker")[1]
    service.wait_for_api()
    for wave in chaos.waves(2):
        service.fuses.arm(Action.KILL, Point.CLAIMED)
        service.client.post(wave)
        service.hit(Action.KILL, Point.CLAIMED)
        service.redis.flush()
        chaos.faults += 2
    assert worker.runs
    service.start("dispatcher")
    chaos.faults += 1
    chaos.check()


@on(SQLITE, POSTGRESQL)
def test_the_dispatcher_killed_again_and_again(chaos: Chaos) -> None:
    service = chaos.service
    service.start_all()
    for wave in chaos.waves(4):
        service.fuses.arm(Action.KILL, Point.FINISHING)
        with service.client.posting(wave):
            dispatcher = service.part("dispatcher")
            dispatcher.kill()
            service.start_again(dispatcher)
        service.hit(Action.KILL, Point.FINISHING)
        chaos.faults += 2
    chaos.check()
