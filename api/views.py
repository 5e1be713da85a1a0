"""What clients get: the shapes for the OpenAPI description, and how they are made.

A stored result is passed on as it is: it was written by the extractor in the contract's shape,
and the schema is generated from the extractor's own types. A test holds real answers against it.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.wordless import without_words
from extractor.model import Engine, Patient, Result, Study
from storage.model import Accepted, ReportState, StoredReport
from storage.sums import Counted

REPORTS_PATH = "/v1/reports"


class Links(BaseModel):
    """Where to go from here, as paths of this server."""

    self: str


class Failure(BaseModel):
    """Why a report was not read."""

    code: str = Field(description="`timeout`, `worker_lost`, `extraction_failed`, ...")


class ReportSummary(BaseModel):
    """A stored report, without its result and its text."""

    id: str
    report_id: str | None
    source: str
    state: ReportState
    version: int = Field(description="1, and one more with each amendment.")
    superseded_by: str | None = Field(description="The id of the amendment that replaced it.")
    accepted_at: datetime
    finished_at: datetime | None
    patient: Patient
    study: Study
    level: str | None
    side: str | None
    error: Failure | None
    links: Links


class ReportView(ReportSummary):
    """A stored report: its state, and its result once that is there."""

    result: Result | None
    text: str | None = Field(
        default=None, description="Only with `include=text`, which takes the scope `text:read`."
    )


class ReportList(BaseModel):
    """A page of reports, newest first."""

    reports: list[ReportSummary]
    next_cursor: str | None = Field(description="Absent (null) on the last page.")


class AcceptedReport(BaseModel):
    """What became of one report of a batch."""

    id: str
    report_id: str | None
    state: ReportState
    version: int
    is_new: bool = Field(description="False where the very same report was there already.")
    links: Links


class AcceptedReports(BaseModel):
    """What became of a batch, in its order."""

    reports: list[AcceptedReport]


class PatternsView(BaseModel):
    """What this server reads reports with."""

    engine: Engine


class Health(BaseModel):
    """The state of the process."""

    status: Literal["ok"]


class ReportSums(BaseModel):
    """Where all reports were when the dispatcher counted last, which it does once a minute."""

    accepted: int
    done: int
    failed: int
    cancelled: int
    open: int
    deleted: int
    balanced: bool = Field(
        description="Whether accepted = done + failed + cancelled + open + deleted, each counted "
        "from other rows. If not, a report is missing: look into the dispatcher's log."
    )
    counted_at: datetime


class Readiness(Health):
    """Whether the process can do its work, and whether no report is missing."""

    reports: ReportSums | None = Field(description="Nothing where no dispatcher ran yet.")


def sums_view(counted: Counted) -> dict[str, Any]:
    """Return a :class:`ReportSums` as JSON-ready values."""
    view: dict[str, Any] = dataclasses.asdict(counted.reports)
    at = counted.at.isoformat(timespec="seconds")
    return view | {"balanced": counted.reports.balanced, "counted_at": at}


def report_path(id_: str) -> str:
    """Return the path of a report."""
    return f"{REPORTS_PATH}/{id_}"


def report_summary(report: StoredReport) -> dict[str, Any]:
    """Return a :class:`ReportSummary` as JSON-ready values."""
    return {
        "id": report.id,
        "report_id": report.report_id,
        "source": report.source,
        "state": report.state.value,
        "version": report.version,
        "superseded_by": report.superseded_by,
        "accepted_at": timestamp(report.accepted_at),
        "finished_at": timestamp(report.finished_at),
        "patient": {
            "id": report.patient.id,
            "age_years": report.patient.age_years,
            "sex": report.patient.sex,
            "pregnancy": report.patient.pregnancy,
        },
        "study": {
            "modality": report.study.modality,
            "description": report.study.description,
            "date": report.study.date,
            "accession": report.study.accession,
        },
        "level": report.level,
        "side": report.side,
        "error": None if report.error_code is None else {"code": report.error_code},
        "links": {"self": report_path(report.id)},
    }


def report_view(
    report: StoredReport, *, include_text: bool = False, with_words: bool = True
) -> dict[str, Any]:
    """Return a :class:`ReportView` as JSON-ready values; ``with_words``: with quotes."""
    result = report.result if with_words else without_words(report.result)
    view = report_summary(report) | {"result": result}
    if include_text:
        view["text"] = report.text
    return view


def accepted_view(accepted: Accepted) -> dict[str, Any]:
    """Return an :class:`AcceptedReport` as JSON-ready values."""
    return {
        "id": accepted.id,
        "report_id": accepted.report_id,
        "state": accepted.state.value,
        "version": accepted.version,
        "is_new": accepted.is_new,
        "links": {"self": report_path(accepted.id)},
    }


def timestamp(at: datetime | None) -> str | None:
    """Return a moment as RFC 3339 has it."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")
