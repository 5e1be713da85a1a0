"""PostgreSQL goes away and comes back: nothing is promised meanwhile, and nothing is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chaos.fuses import Action, Point
from tests.chaos.marks import POSTGRESQL, on
from tests.chaos.proxy import Network
from tests.services import wait_until

if TYPE_CHECKING:
    from tests.chaos.client import Client
    from tests.chaos.scenario import Chaos


def wait_for_a_retry(client: Client) -> None:
    """Wait until the client has come up against the fault."""
    before = client.retries
    wait_until(lambda: client.retries > before, deadline_s=60, what="the client's next try")


@on(POSTGRESQL, short=(POSTGRESQL,))
def test_postgresql_restarted(chaos: Chaos) -> None:
    service = chaos.service
    assert service.postgres is not None
    service.start_all()
    for wave in chaos.waves(3):
        half = len(wave) // 2
        service.client.post(wave[:half])
        service.postgres.stop()
        chaos.faults += 1
        with service.client.posting(wave[half:]):
            wait_for_a_retry(service.client)
            service.postgres.start()
    chaos.check()


@on(POSTGRESQL)
def test_postgresql_cuts_connections_again_and_again(chaos: Chaos) -> None:
    service = chaos.service
    assert service.postgres is not None
    service.start_all()
    for wave in chaos.waves(5):
        with service.client.posting(wave):
            service.postgres.cut()
            chaos.faults += 1
    chaos.check()


@on(POSTGRESQL)
def test_postgresql_cut_off_by_the_network(chaos: Chaos) -> None:
    service = chaos.service
    network = service.postgres_by_network()
    service.start_all()
    first, second, third = chaos.waves(3)
    service.client.post(first)
    for fault, wave in ((Network.REFUSED, second), (Network.SILENT, third)):
        network.set(fault)
        chaos.faults += 1
        with service.client.posting(wave):
            wait_for_a_retry(service.client)
            network.set(Network.FINE)
    chaos.check()


@on(POSTGRESQL)
def test_postgresql_slowed_by_the_network(chaos: Chaos) -> None:
    service = chaos.service
    network = service.postgres_by_network()
    service.start_all()
    with network.being(Network.SLOW, delay_s=0.02):
        chaos.faults += 1
        service.client.post(chaos.reports)
    chaos.check()


@on(POSTGRESQL)
def test_connections_lost_before_the_commit_of_results(chaos: Chaos) -> None:
    service = chaos.service
    network = service.postgres_by_network()
    service.environment["MARROW_WORKER_CONCURRENCY"] = "1"
    service.start_all()
    for wave in chaos.waves(3):
        service.fuses.arm(Action.FREEZE, Point.WRITTEN)
        service.client.post(wave)
        service.hit(Action.FREEZE, Point.WRITTEN)
        with network.being(Network.REFUSED):
            chaos.faults += 1
            service.thaw()
    chaos.check()
