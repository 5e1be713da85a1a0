"""No fault at all, and a seeded random mix of all of them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.chaos.corpus import make_reports
from tests.chaos.fuses import Action, Point
from tests.chaos.marks import POSTGRESQL, SQLITE, on
from tests.chaos.proxy import Network
from tests.chaos.scenario import MIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.proxy import Proxy
    from tests.chaos.scenario import Chaos

WORKER_KILLS = 8
"""No unit of 25 reports can come down to a single innocent one by these: that takes nine."""
OF_A_READER = (Point.CLAIMING, Point.CLAIMED, Point.READING, Point.WRITTEN, Point.FINISHED)


@on(SQLITE, POSTGRESQL)
def test_nothing_happens(chaos: Chaos) -> None:
    chaos.service.start_all()
    chaos.service.client.post(chaos.reports)
    chaos.check()


class Faults:
    """What may happen, as chance has it."""

    def __init__(self, chaos: Chaos, network: Proxy, seed: int) -> None:
        self.service = chaos.service
        self.network = network
        self.chance = random.Random(seed)  # noqa: S311 (repeatable, not secret)
        self.worker_kills = 0

    def next(self) -> None:
        """Do one of them."""
        kinds: list[Callable[[], None]] = [
            self.restart_redis,
            self.service.redis.flush,
            self.cut_redis,
            self.slow_redis,
            lambda: self.kill("api"),
            lambda: self.kill("dispatcher"),
        ]
        if self.worker_kills < WORKER_KILLS:
            kinds += [self.kill_a_reader, self.kill_a_reader, self.kill_the_worker]
        if self.service.postgres is not None:
            kinds += [self.service.postgres.cut, self.restart_postgresql]
        self.chance.choice(kinds)()

    def kill(self, part: str) -> None:
        """Kill a part, which is started again."""
        process = self.service.part(part)
        process.kill()
        self.service.start_again(process)

    def kill_a_reader(self) -> None:
        """Kill the next process that reads, where chance takes it."""
        self.worker_kills += 1
        self.service.fuses.arm(Action.KILL, self.chance.choice(OF_A_READER))

    def kill_the_worker(self) -> None:
        """Kill the worker with all its processes, which may hold a unit each."""
        self.worker_kills += 1
        self.kill("worker")

    def restart_redis(self) -> None:
        """Kill Redis, which comes back empty."""
        self.service.redis.kill()
        self.service.redis.start()

    def cut_redis(self) -> None:
        """Cut Redis off, one way or the other, until the next fault."""
        self.network.set(self.chance.choice((Network.SILENT, Network.REFUSED)))

    def slow_redis(self) -> None:
        """Slow Redis down until the next fault."""
        self.network.set(Network.SLOW, delay_s=self.chance.uniform(0.01, 0.3))

    def restart_postgresql(self) -> None:
        """Let PostgreSQL crash, and recover."""
        assert self.service.postgres is not None
        self.service.postgres.stop()
        self.service.postgres.start()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [1, 2])
@on(SQLITE, POSTGRESQL)
def test_a_random_mix_of_faults(chaos: Chaos, seed: int) -> None:
    mix(chaos, seed, faults=15)


@on(SQLITE, POSTGRESQL, short=(SQLITE, POSTGRESQL))
def test_a_short_random_mix_of_faults(chaos: Chaos) -> None:
    mix(chaos, seed=3, faults=6)


def mix(chaos: Chaos, seed: int, *, faults: int) -> None:
    """Let faults happen while reports come in; they are over when the last one is accepted."""
    service = chaos.service
    network = service.redis_by_network()
    service.start_all()
    happening = Faults(chaos, network, seed)
    reports = make_reports(MIX * chaos.size)
    for number in range(faults):
        with service.client.posting(reports[number::faults]):
            happening.next()
            chaos.faults += 1
    network.set(Network.FINE)
    for point in Point:
        service.fuses.disarm(Action.KILL, point)
    chaos.check()
