"""What Prometheus is told: how the work goes, as the database has it, and what this process serves.

Numbers, and labels of which there are few: states, lanes, codes, templates of routes. No id, no name
of a client and nothing of a report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from extractor import __version__
from storage.model import Lane, ReportState
from storage.operations import Operations

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_OTHER_ROUTE = "other"
"""Addresses where nothing is: what a client wrote is no label."""


class HttpMetrics:
    """What this process was asked, and how long its answers took."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "marrow_http_requests", "Requests that were answered.", ("method", "route", "status"),
            registry=self.registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "marrow_http_request_seconds", "From a request to the end of its answer.", ("route",),
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def count(self, method: str | None, route: str | None, status: int, seconds: float) -> None:
        """Count an answer by the template of its route."""
        place = route or _OTHER_ROUTE
        self._requests.labels(method or _OTHER_ROUTE, place, str(status)).inc()
        self._seconds.labels(place).observe(seconds)


def scrape(http: HttpMetrics, seen: Operations, *, patterns_version: str | None) -> bytes:
    """Return all metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Seen(seen, patterns_version or ""))
    return generate_latest(registry) + generate_latest(http.registry)


class _Seen:
    """The state of the database as metrics, made for one scrape."""

    def __init__(self, seen: Operations, patterns_version: str) -> None:
        self._seen = seen
        self._patterns_version = patterns_version

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        seen = self._seen
        yield _gauge(
            "marrow_build_info", "Versions; always 1.", ("version", "patterns_version"),
            [((__version__, self._patterns_version), 1)],
        )  # fmt: skip
        yield _gauge(
            "marrow_work_units", "Units of work that are not done.", ("lane", "kind", "state"),
            [((one.lane, one.kind, one.state), one.units) for one in seen.open_work],
        )  # fmt: skip
        yield _gauge(
            "marrow_work_oldest_seconds", "Age of the oldest unit that is not done.", ("lane",),
            [((lane,), seen.oldest_s(lane)) for lane in Lane],
        )  # fmt: skip
        yield _gauge(
            "marrow_work_quarantined", "Units whose only report brought processes down.", (),
            [((), seen.quarantined)],
        )  # fmt: skip
        yield _gauge(
            "marrow_work_holders", "Processes that have work in hand.", (),
            [((), len(seen.holders))],
        )  # fmt: skip
        yield _gauge(
            "marrow_reports_failed", "Failed reports by error code.", ("error_code",),
            [((code,), number) for code, number in seen.failed.items()],
        )  # fmt: skip
        yield _gauge(
            "marrow_audits", "Audits by state.", ("state",),
            [((state,), number) for state, number in seen.audits.items()],
        )  # fmt: skip
        yield from self._counted()

    def _counted(self) -> Iterator[Metric]:
        counted = self._seen.counted
        if counted is None:
            return
        sums = counted.reports
        states = {
            ReportState.DONE: sums.done,
            ReportState.FAILED: sums.failed,
            ReportState.CANCELLED: sums.cancelled,
            ReportState.QUEUED: sums.open,
            "deleted": sums.deleted,
        }
        yield _gauge(
            "marrow_reports_accepted", "Reports that were ever accepted.", (),
            [((), sums.accepted)],
        )  # fmt: skip
        yield _gauge(
            "marrow_reports", "Accepted reports by where they are.", ("state",),
            [((state,), number) for state, number in states.items()],
        )  # fmt: skip
        yield _gauge(
            "marrow_reports_unaccounted", "Accepted reports that are nowhere; other than 0 is an alarm.", (),
            [((), sums.accepted - sum(states.values()))],
        )  # fmt: skip
        yield _gauge(
            "marrow_reports_counted_timestamp_seconds", "When they were counted last.", (),
            [((), counted.at.timestamp())],
        )  # fmt: skip


def _gauge(
    name: str,
    about: str,
    labels: tuple[str, ...],
    values: Iterable[tuple[tuple[str, ...], float]],
) -> GaugeMetricFamily:
    made = GaugeMetricFamily(name, about, labels=labels)
    for places, value in values:
        made.add_metric(list(places), value)
    return made
