"""What clients get of audits: the shapes for the OpenAPI description, and how they are made."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from audits.model import Focus
from extractor.model import Engine
from storage.audit_model import AuditState, StoredAudit

AUDITS_PATH = "/v1/audits"
PREVIEW_PATH = "/v1/audits/preview"

AUDIT_ERRORS = {
    "archive_not_found": "Nothing is there that could be read.",
    "unknown_format": "The file's name ends like no format that is read.",
    "columns_not_recognised": "No column of report text was recognised; name it with `map`.",
    "mapping_invalid": "`map` cannot be used.",
    "upload_damaged": "What arrived is not what was announced (its checksum); upload it again.",
    "source_refused": "Nothing that may be read is at the source any more.",
    "engine_changed": "The patterns or the engine were changed meanwhile; submit it again.",
    "worker_lost": "Workers died again and again with one step of it; see their logs.",
    "step_failed": "One step of it went wrong again and again; see the workers' logs.",
}
_OTHER_ERROR = "The archive cannot be read."


class AuditArgumentsView(BaseModel):
    """How the archive is read."""

    focus: Focus
    map: list[str]
    day_first: bool | None
    since: date | None
    until: date | None


class AuditCounts(BaseModel):
    """Where all rows are; `null` until it is known."""

    rows_read: int = Field(description="Grows while the archive is read.")
    refused: int | None = Field(description="Rows that are no readable report; see failures.")
    undesired: int | None = Field(description="Reports of other days than asked for.")
    duplicates: int | None
    superseded: int | None = Field(description="Replaced by an amended version.")
    reports: int | None = Field(description="What is left of the rows.")
    passed_over: int | None = Field(description="Name nothing of the focus, so are not read.")
    to_extract: int | None = Field(description="Reports to be read.")
    extracted: int = Field(description="Of those, read so far; failed ones count, too.")
    failed: int
    tagged: int = Field(description="Reports with a stated or probable level.")
    shards: int | None
    shards_done: int


class AuditError(BaseModel):
    """Why an audit failed."""

    code: str
    detail: str


class AuditLinks(BaseModel):
    """Where to go from here, as paths of this server."""

    self: str
    events: str
    cases: str
    results: str
    failures: str
    report: str


class AuditSummaryView(BaseModel):
    """One audit, as in the list."""

    id: str
    name: str
    state: AuditState
    error: AuditError | None
    bytes: int | None = Field(description="Size of the upload.")
    arguments: AuditArgumentsView
    engine: Engine | None = Field(description="What it is read with; known once it is planned.")
    counts: AuditCounts
    reports_per_s: float | None = Field(description="Over the last minute, while extracting.")
    seconds_left: float | None = Field(description="An estimate, while extracting.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    links: AuditLinks


class AuditView(AuditSummaryView):
    """One audit."""

    summary: dict[str, Any] | None = Field(
        description="Once it is done: attrition, levels, cases, findings, failures, as numbers."
    )


class AuditList(BaseModel):
    """A page of audits, newest first."""

    audits: list[AuditSummaryView]
    next_cursor: str | None


class AuditRefusal(BaseModel):
    """A row that is no readable report: its place and reason, never its text."""

    path: str
    line: int
    code: str
    detail: str


class AuditPreview(BaseModel):
    """What the first rows of an archive are; nothing of any report but how much there is."""

    name: str
    rows: int
    reports: int
    undesired: int = Field(description="Of the reports, those of other days than asked for.")
    formats: dict[str, int] = Field(description="Files that were begun, by format.")
    encodings: dict[str, int] = Field(description="The same by encoding, of files that have one.")
    columns: dict[str, str] = Field(description="By field, the column that was taken for it.")
    filled: dict[str, int] = Field(description="In how many of the reports each field was read.")
    refusals: list[AuditRefusal]
    remarks: list[str] = Field(description="What was in rows and not read.")


class CaseList(BaseModel):
    """A page of cases, strongest first, with the columns of `cases.csv`."""

    cases: list[dict[str, Any]]
    next_cursor: str | None


class FailureList(BaseModel):
    """A page of what could not be read, by row: its place and reason, never its text."""

    failures: list[dict[str, Any]]
    next_cursor: str | None


def audit_path(id_: str) -> str:
    """Return the path of an audit."""
    return f"{AUDITS_PATH}/{id_}"


def audit_view(audit: StoredAudit) -> dict[str, Any]:
    """Return an :class:`AuditView` as JSON-ready values."""
    return audit_summary(audit) | {"summary": audit.summary}


def audit_summary(audit: StoredAudit) -> dict[str, Any]:
    """Return an :class:`AuditSummaryView` as JSON-ready values."""
    path = audit_path(audit.id)
    parts = ("events", "cases", "results", "failures", "report")
    return {
        "id": audit.id,
        "name": audit.name,
        "error": _error(audit.error_code),
        "bytes": audit.bytes,
        "arguments": {"since": None, "until": None} | dict(audit.arguments),
        "engine": None if audit.identity is None else audit.identity["engine"],
        "created_at": _timestamp(audit.created_at),
        "started_at": _timestamp(audit.started_at),
        "finished_at": _timestamp(audit.finished_at),
        "links": {"self": path} | {part: f"{path}/{part}" for part in parts},
    } | progress_view(audit)


def progress_view(audit: StoredAudit) -> dict[str, Any]:
    """Return the state, the counts, the rate and the time left: what an event tells."""
    counts, progress = audit.counts, audit.progress
    to_extract = None if counts is None else counts.planned - counts.passed_over
    rate = progress.reports_per_s
    left = None
    if rate and to_extract is not None:
        left = round((to_extract - progress.reports) / rate, 1)
    return {
        "state": audit.state.value,
        "counts": {
            "rows_read": audit.rows_read,
            "refused": None if counts is None else counts.refused,
            "undesired": None if counts is None else counts.undesired,
            "duplicates": None if counts is None else counts.duplicates,
            "superseded": None if counts is None else counts.superseded,
            "reports": None if counts is None else counts.planned,
            "passed_over": None if counts is None else counts.passed_over,
            "to_extract": to_extract,
            "extracted": progress.reports,
            "failed": progress.failed,
            "tagged": progress.cases,
            "shards": audit.shards,
            "shards_done": progress.shards,
        },
        "reports_per_s": None if rate is None else round(rate, 1),
        "seconds_left": left,
    }


def error_detail(code: str) -> str:
    """Return what an error code of an audit means, and what to do."""
    return AUDIT_ERRORS.get(code, _OTHER_ERROR)


def _error(code: str | None) -> dict[str, str] | None:
    return None if code is None else {"code": code, "detail": error_detail(code)}


def _timestamp(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
