"""Redis is the doorbell: whatever becomes of it, work only waits longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chaos.marks import POSTGRESQL, SQLITE, on
from tests.chaos.proxy import Network

if TYPE_CHECKING:
    from tests.chaos.scenario import Chaos

ROUNDS = 3


@on(SQLITE, POSTGRESQL, short=(SQLITE,))
def test_redis_killed_and_started_empty(chaos: Chaos) -> None:
    service = chaos.service
    service.start_all()
    for wave in chaos.waves(ROUNDS):
        half = len(wave) // 2
        service.client.post(wave[:half])
        service.redis.kill()
        chaos.faults += 1
        service.client.post(wave[half:])
        service.redis.start()
    chaos.check()


@on(SQLITE, POSTGRESQL)
def test_redis_flushed(chaos: Chaos) -> None:
    service = chaos.service
    service.start_all()
    for wave in chaos.waves(ROUNDS):
        with service.client.posting(wave):
            service.redis.flush()
        service.redis.flush()
        chaos.faults += 2
    chaos.check()


@on(SQLITE, POSTGRESQL)
def test_redis_out_of_memory(chaos: Chaos) -> None:
    service = chaos.service
    service.start_all()
    with service.redis.client() as redis:
        for wave in chaos.waves(ROUNDS):
            half = len(wave) // 2
            service.client.post(wave[:half])
            redis.config_set("maxmemory", "1")
            chaos.faults += 1
            service.client.post(wave[half:])
            redis.config_set("maxmemory", "0")
    # Celery ends where Redis takes no word of what was heard: kombu knows no way on.
    chaos.check(meanwhile=service.start_again_what_ended)


@on(SQLITE, POSTGRESQL, short=(SQLITE,))
def test_redis_cut_off_by_the_network(chaos: Chaos) -> None:
    service = chaos.service
    network = service.redis_by_network()
    service.start_all()
    first, second, third = chaos.waves(3)
    service.client.post(first)
    for fault, wave in ((Network.SILENT, second), (Network.REFUSED, third)):
        with network.being(fault):
            chaos.faults += 1
            service.client.post(wave)
    chaos.check()


@on(SQLITE, POSTGRESQL)
def test_redis_slowed_by_the_network(chaos: Chaos) -> None:
    service = chaos.service
    network = service.redis_by_network()
    service.start_all()
    with network.being(Network.SLOW, delay_s=0.5):
        chaos.faults += 1
        service.client.post(chaos.reports)
    chaos.check()
