"""One scenario: its installation, its reports, its faults, and its check."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from tests.chaos import corpus, tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.chaos.installation import Installation
    from tests.chaos.tally import Tally

ROW = "chaos"
"""The property of a test's report that holds its row of the table."""
MIX = 3
"""The random mix has so many times the reports of other scenarios."""


class Chaos:
    """What a test of the suite works with."""

    def __init__(
        self,
        service: Installation,
        *,
        size: int,
        fault_free: Mapping[str, str],
        record: Callable[[str, object], None],
    ) -> None:
        self.service = service
        self.size = size
        self.reports = corpus.make_reports(size)
        self.faults = 0
        self._expected = dict(fault_free)
        self._record = record
        self._began = time.monotonic()

    def waves(self, count: int) -> list[list[dict[str, Any]]]:
        """Return the reports in so many parts, to be posted one after the other."""
        return [self.reports[number::count] for number in range(count)]

    def expect(self, report_id: str, ending: str) -> None:
        """Say how a report ends that the run without faults does not have."""
        self._expected[report_id] = ending

    def wait_until_done(self) -> None:
        """Wait until everything accepted so far is done."""
        accepted = self.service.client.accepted.values()
        assert tally.settle(self.service.database, accepted) < tally.SETTLE_S

    def check(self, *, meanwhile: Callable[[], object] = bool) -> Tally:
        """Wait until everything is done, count, and fail where a promise was broken.

        ``meanwhile`` is called while it waits.
        """
        service = self.service
        accepted = service.client.accepted
        settled_s = tally.settle(service.database, accepted.values(), meanwhile=meanwhile)
        found = tally.take(service.database, accepted, self._expected, settled_s=settled_s)
        seconds = round(time.monotonic() - self._began, 1)
        self._record(ROW, json.dumps({**found.row(), "faults": self.faults, "seconds": seconds}))
        posted = {report["report_id"] for report in service.client.posted}
        assert accepted.keys() == posted, "the client was not answered"
        assert found.is_whole, found
        return found
