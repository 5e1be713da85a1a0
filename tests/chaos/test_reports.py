"""Reports that kill, keep or stop the process that reads them fail alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos import corpus
from tests.chaos.fuses import HANG, POISON, STUCK
from tests.chaos.marks import POSTGRESQL, SQLITE, on

if TYPE_CHECKING:
    from tests.chaos.scenario import Chaos

pytestmark = pytest.mark.timeout(300)
ENDINGS = {POISON: "worker_lost", HANG: "timeout", STUCK: "worker_lost"}


def read_among_others(chaos: Chaos, *orders: str) -> None:
    """Post bad reports in the midst of good ones of the same unit."""
    service = chaos.service
    bad = [
        corpus.make_report(number, name="bad", order=order) for number, order in enumerate(orders)
    ]
    for report, order in zip(bad, orders, strict=True):
        chaos.expect(report["report_id"], ENDINGS[order])
    service.start_all()
    service.client.post([*chaos.reports[:10], *bad, *chaos.reports[10:]])
    chaos.faults += len(bad)
    assert chaos.check().failed == len(bad)
    for process in service.processes:
        assert not any(order in process.said() for order in orders)


@on(SQLITE, POSTGRESQL)
def test_a_report_that_kills_its_process(chaos: Chaos) -> None:
    read_among_others(chaos, POISON)


@on(SQLITE, POSTGRESQL)
def test_reports_that_hang(chaos: Chaos) -> None:
    read_among_others(chaos, HANG, HANG)


@on(SQLITE, short=(SQLITE,))
def test_a_report_that_kills_and_one_that_hangs(chaos: Chaos) -> None:
    read_among_others(chaos, POISON, HANG)


@on(SQLITE, POSTGRESQL)
def test_a_report_that_stops_its_process_dead(chaos: Chaos) -> None:
    """No alarm reaches it: Celery's time limit ends the process, until it stands alone."""
    read_among_others(chaos, STUCK)


@on(SQLITE)
def test_reports_that_are_bad_in_every_way(chaos: Chaos) -> None:
    read_among_others(chaos, POISON, HANG, STUCK, POISON)
