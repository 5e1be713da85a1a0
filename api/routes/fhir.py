"""FHIR R4: a report that was read, as a DiagnosticReport."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.access import TheNote
from api.fhir_problems import FhirResponse
from api.routes.reports import TheService, load
from api.scopes import Scope
from api.security import CurrentKey, Needs, check_scope, may
from api.views import REPORTS_PATH, timestamp
from api.wordless import without_words
from standards.fhir import MEDIA_TYPE, ReadReport, ReportStatus, diagnostic_report
from storage.access_model import Action
from storage.model import ReportState, StoredReport

router = APIRouter(tags=["fhir"])
_STATUSES = {
    ReportState.QUEUED: ReportStatus.REGISTERED,
    ReportState.DONE: ReportStatus.PRELIMINARY,
    ReportState.FAILED: ReportStatus.CANCELLED,
    ReportState.CANCELLED: ReportStatus.CANCELLED,
}
_RESOURCE: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {}}, "description": "The DiagnosticReport."}
}


@router.get(
    REPORTS_PATH + "/{id}/fhir",
    response_class=FhirResponse,
    responses=_RESOURCE,
    dependencies=[Depends(Needs(Scope.REPORTS_READ))],
)
async def get_fhir_report(
    *,
    id: str,  # noqa: A002 - the name in the path
    key: CurrentKey,
    note: TheNote,
    service: TheService,
    include: Annotated[Literal["text"] | None, Query()] = None,
) -> Response:
    """Return a report as a FHIR R4 DiagnosticReport, with an Observation for each mention inside.

    `registered` while it waits, `preliminary` once it is read (nobody has verified it),
    `cancelled` where it could not be. `include=text` adds the text, which takes the scope
    `text:read` as well; without that scope the Observations quote nothing.
    """
    if include == "text":
        note.action = Action.READ_TEXT
        check_scope(key, Scope.TEXT_READ)
    report = await run_in_threadpool(load, service, id, include_text=include == "text")
    shown = read_report(report, with_words=may(key, Scope.TEXT_READ))
    headers = {"Retry-After": "1"} if report.state is ReportState.QUEUED else {}
    return FhirResponse(diagnostic_report(shown), headers=headers)


def read_report(report: StoredReport, *, with_words: bool) -> ReadReport:
    """Return what a DiagnosticReport is made from; ``with_words``: with quotes."""
    return ReadReport(
        id=report.id,
        status=_STATUSES[report.state],
        patient=report.patient,
        study=report.study,
        report_id=report.report_id,
        source=report.source,
        issued=timestamp(report.finished_at),
        superseded_by=report.superseded_by,
        result=report.result if with_words else without_words(report.result),
        text=report.text,
    )
