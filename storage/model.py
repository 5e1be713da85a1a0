"""The values that go into the database and come out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from extractor.model import Patient, Study

if TYPE_CHECKING:
    from datetime import date, datetime

    from extractor.model import Report

DEFAULT_SOURCE = "default"


class Lane(StrEnum):
    """Who waits: somebody for one report, or nobody in particular for many."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


class ReportState(StrEnum):
    """Where a report is; every state but ``queued`` is final."""

    QUEUED = "queued"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ReportOrder(StrEnum):
    """The orders that a list of reports can be in."""

    NEWEST = "newest"
    """Accepted last, first."""
    OLDEST = "oldest"
    STUDY_NEWEST = "study_newest"
    """By the study's date; reports without one are left out."""
    STUDY_OLDEST = "study_oldest"


class WorkState(StrEnum):
    """Where a unit of work is."""

    PENDING = "pending"
    LEASED = "leased"
    DONE = "done"
    SPLIT = "split"
    """Failed too often; its reports stand in smaller units now."""
    QUARANTINED = "quarantined"
    """Failed too often with its only report, which is marked failed."""


class WorkKind(StrEnum):
    """What a unit of work is about."""

    REPORTS = "reports"
    PLAN = "plan"
    """Reading the archive of an audit and cutting it into shards."""
    SHARD = "shard"
    """Reading the reports of one shard."""
    SUMMARY = "summary"
    """Linking the results of all shards and writing the output files."""


@dataclass(frozen=True, slots=True)
class NewReport:
    """A report as it was posted."""

    text: str
    source: str = DEFAULT_SOURCE
    """The system that it comes from; accession numbers are unique within one source only."""
    report_id: str | None = None
    """The client's own id, given back unchanged."""
    patient: Patient = field(default_factory=Patient)
    study: Study = field(default_factory=Study)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of one posted report."""

    id: str
    """Our id, ``rep_...``: of the new row, or of the one that was there."""
    report_id: str | None
    """The client's id, as it stands in the row."""
    state: ReportState
    is_new: bool
    work_id: int | None
    """The unit of work to ring for; ``None`` where the report is in a final state."""
    version: int


@dataclass(frozen=True, slots=True)
class StoredReport:
    """One report in the database."""

    id: str
    report_id: str | None
    source: str
    patient: Patient
    study: Study
    text_chars: int
    version: int
    """1, and one more with each amendment (another text for the same accession)."""
    superseded_by: str | None
    """Our id of the amendment that replaced this one; ``None`` for the newest."""
    state: ReportState
    error_code: str | None
    """Why it failed: ``timeout``, ``worker_lost``, ``text_too_long``, ``extraction_failed``,
    ``seal_broken``."""
    work_id: int | None
    accepted_at: datetime
    finished_at: datetime | None
    level: str | None
    """The assessment's level, of a finished report."""
    side: str | None
    result: dict[str, Any] | None = None
    """The contract's JSON; ``None`` until done, and in lists."""
    text: str | None = None
    """Only where it was asked for."""


@dataclass(frozen=True, slots=True)
class ReportFilters:
    """Which reports a list shows; what is ``None`` filters nothing.

    ``finding``, ``status`` and ``site`` must hold for one and the same mention.
    """

    state: ReportState | None = None
    source: str | None = None
    level: str | None = None
    finding: str | None = None
    status: str | None = None
    site: str | None = None
    study_date_from: date | None = None
    study_date_to: date | None = None
    """Inclusive, as the other end is."""
    latest_only: bool = False
    """Leave out what an amendment replaced."""

    @property
    def needs_result(self) -> bool:
        """Whether only reports with a result can fit, which are those that are done."""
        return (self.level, self.finding, self.status, self.site) != (None, None, None, None)

    @property
    def names_reports(self) -> bool:
        """Whether anything is asked of the report itself, beside its result."""
        asked = (self.state, self.source, self.study_date_from, self.study_date_to)
        return self.latest_only or any(one is not None for one in asked)


@dataclass(frozen=True, slots=True)
class ReportPage:
    """Some reports, newest first."""

    reports: tuple[StoredReport, ...]
    next_after: str | None
    """Give it as ``after`` for the next page; ``None`` on the last one."""


@dataclass(frozen=True, slots=True)
class QueuedReport:
    """A report that waits to be read, under our id."""

    id: str
    report: Report


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a unit until the lease ends."""

    work_id: int
    token: str
    kind: WorkKind
    lane: Lane
    attempts: int
    """How often it was claimed since it was made or last got somewhere, this time included."""
    audit: str | None = None
    """Our id of the audit that the unit is a step of; ``None`` for a unit of reports."""


@dataclass(frozen=True, slots=True)
class DueUnit:
    """A unit of work that somebody has to be told of."""

    work_id: int
    lane: Lane
    kind: WorkKind


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim as others see it."""

    work_id: int
    token: str
    holder: str


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Where all reports are, each number counted from other rows than the first.

    ``done`` counts results, ``open`` the reports in units that are still alive, and ``deleted`` the
    tombstones of reports that are gone, so that the sum fails to match when a result is missing, a
    queued report belongs to no living unit, or a report is deleted and there all the same.
    """

    accepted: int
    done: int
    failed: int
    cancelled: int
    open: int
    deleted: int = 0

    @property
    def balanced(self) -> bool:
        """Whether every accepted report is accounted for."""
        parts = (self.done, self.failed, self.cancelled, self.open, self.deleted)
        return self.accepted == sum(parts)
