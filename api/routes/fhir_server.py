"""FHIR R4 in: DiagnosticReports and Bundles are accepted, read in the background, and asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import TypeAdapter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.accepting import accept, read_once
from api.access import TheNote
from api.body import JsonBody
from api.fhir_problems import FHIR_PATH, FhirResponse
from api.posted import TextTooLongError, new_report
from api.problems import FieldError
from api.routes.fhir import read_report
from api.routes.reports import TheService, load
from api.schemas import MAX_REPORTS
from api.scopes import Scope
from api.security import CurrentKey, Needs, may
from api.validation import failed
from archives import Entry, Refusal
from archives.fhir_posted import posted_entries
from extractor import __version__
from standards.fhir import MEDIA_TYPE, diagnostic_report, fhir_id
from standards.fhir.capability import capability_statement
from standards.fhir.outcome import Issue, Severity, operation_outcome
from storage.model import Accepted, Lane, NewReport, ReportState

router = APIRouter(tags=["fhir"], prefix=FHIR_PATH)
_RESOURCE = TypeAdapter(dict[str, Any])
Posted = Annotated[dict[str, Any], Depends(JsonBody(_RESOURCE))]
_MANY = "Bundle"
_ONE = "DiagnosticReport"


def _answers(status: int, description: str) -> dict[int | str, dict[str, Any]]:
    return {status: {"content": {MEDIA_TYPE: {}}, "description": description}}


def _takes(kind: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["resourceType"],
        "properties": {"resourceType": {"const": kind}},
    }
    return {"requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": schema}}}}


@router.get("/metadata", response_class=FhirResponse, responses=_answers(200, "What there is."))
async def get_capability_statement() -> Response:
    """Return the CapabilityStatement. Anyone may ask."""
    return FhirResponse(capability_statement(__version__))


@router.post(
    "/DiagnosticReport",
    status_code=202,
    response_class=FhirResponse,
    responses=_answers(202, "Accepted: an OperationOutcome, and where to poll."),
    dependencies=[Depends(Needs(Scope.REPORTS_WRITE))],
    openapi_extra=_takes(_ONE),
)
async def post_fhir_report(
    *, request: Request, posted: Posted, key: CurrentKey, note: TheNote, service: TheService
) -> Response:
    """Accept a DiagnosticReport with its text: `202` once it is safely stored.

    Poll `Content-Location` by FHIR's asynchronous pattern: `202` until it is read, then `200`
    with the DiagnosticReport that holds what was found. `Idempotency-Key` as everywhere.
    """
    _check_kind(posted, _ONE)
    [report] = _reports(posted_entries(posted), is_bundle=False).values()
    once = await read_once(request, key, f"POST {FHIR_PATH}/{_ONE}")
    acceptance = await accept(service, [report], lane=Lane.INTERACTIVE, once=once)
    [accepted] = acceptance.reports
    note.target = accepted.id
    said = Issue("informational", "The report is stored.", severity=Severity.INFORMATION)
    headers = {
        "Content-Location": f"{FHIR_PATH}/async/{fhir_id(accepted.id)}",
        "Location": _address(accepted),
        "Retry-After": "1",
    }
    return FhirResponse(operation_outcome([said]), status_code=202, headers=headers)


@router.post(
    "",
    status_code=202,
    response_class=FhirResponse,
    responses=_answers(202, "Accepted: a Bundle with an address for each report."),
    dependencies=[Depends(Needs(Scope.REPORTS_WRITE))],
    openapi_extra=_takes(_MANY),
)
async def post_fhir_bundle(
    *, request: Request, posted: Posted, key: CurrentKey, note: TheNote, service: TheService
) -> Response:
    """Accept the DiagnosticReports of a Bundle of any type: all of them or none.

    Other resources in it (Patient, ServiceRequest, ImagingStudy, Observation, Binary) tell of the
    reports and are not stored. The answer has an entry for each, with `response.location` to ask.
    """
    _check_kind(posted, _MANY)
    entries = posted_entries(posted)
    found = _reports(entries, is_bundle=True)
    once = await read_once(request, key, f"POST {FHIR_PATH}")
    acceptance = await accept(service, list(found.values()), lane=Lane.BULK, once=once)
    note.items = len(acceptance.reports)
    by_place = dict(zip(found, acceptance.reports, strict=True))
    answers = [_answer(by_place.get(number)) for number in range(len(entries))]
    kind = "transaction-response" if posted.get("type") == "transaction" else "batch-response"
    bundle = {"resourceType": _MANY, "type": kind, "entry": answers}
    return FhirResponse(bundle, status_code=202, headers={"Retry-After": "1"})


@router.get(
    "/DiagnosticReport/{id}",
    response_class=FhirResponse,
    responses=_answers(200, "The DiagnosticReport, read or not yet."),
    dependencies=[Depends(Needs(Scope.REPORTS_READ))],
)
async def read_fhir_report(
    id: str,  # noqa: A002 - the name in the path
    key: CurrentKey,
    note: TheNote,
    service: TheService,
) -> Response:
    """Return a report as `GET /v1/reports/{id}/fhir` does, by its id in FHIR (`rep-...`)."""
    resource, _ = await _resource(service, key, note, id)
    return FhirResponse(resource)


@router.get(
    "/async/{id}",
    response_class=FhirResponse,
    responses=_answers(200, "The DiagnosticReport, in a final state.")
    | _answers(202, "It is not read yet; ask again."),
    dependencies=[Depends(Needs(Scope.REPORTS_READ))],
)
async def poll_fhir_report(
    id: str,  # noqa: A002 - the name in the path
    key: CurrentKey,
    note: TheNote,
    service: TheService,
) -> Response:
    """Tell whether a report is read yet: `202` with `X-Progress`, or `200` with the resource."""
    resource, is_final = await _resource(service, key, note, id)
    if is_final:
        return FhirResponse(resource)
    said = Issue("informational", "The report is not read yet.", severity=Severity.INFORMATION)
    headers = {"X-Progress": "queued", "Retry-After": "1"}
    return FhirResponse(operation_outcome([said]), status_code=202, headers=headers)


async def _resource(
    service: TheService, key: CurrentKey, note: TheNote, id_: str
) -> tuple[dict[str, Any], bool]:
    """Return a report's resource, and whether it is in a final state."""
    ours = id_.replace("-", "_") if id_.startswith("rep-") else id_
    report = await run_in_threadpool(load, service, ours)
    note.target = report.id
    shown = read_report(report, with_words=may(key, Scope.TEXT_READ))
    return diagnostic_report(shown), report.state is not ReportState.QUEUED


def _check_kind(posted: dict[str, Any], kind: str) -> None:
    if posted.get("resourceType") != kind:
        detail = f"must be `{kind}` at this address"
        raise failed([FieldError(code="NOT_ALLOWED", detail=detail, pointer="/resourceType")])


def _reports(entries: Sequence[Entry | None], *, is_bundle: bool) -> dict[int, NewReport]:
    """Return the reports by their place, or raise Problem with every fault."""
    found: dict[int, NewReport] = {}
    faults: list[FieldError] = []
    for number, entry in enumerate(entries):
        if entry is None:
            continue
        pointer = f"/entry/{number}/resource" if is_bundle else ""
        try:
            if isinstance(entry, Refusal):
                faults.append(FieldError(entry.code.upper(), entry.detail, pointer=pointer))
            else:
                found[number] = new_report(entry)
        except TextTooLongError as error:
            faults.append(FieldError("TOO_LONG", str(error), pointer=pointer))
    if not faults and not 0 < len(found) <= MAX_REPORTS:
        detail = f"must hold 1 to {MAX_REPORTS} DiagnosticReports"
        faults.append(FieldError("OUT_OF_RANGE", detail, pointer="/entry"))
    if faults:
        raise failed(faults)
    return found


def _answer(accepted: Accepted | None) -> dict[str, Any]:
    if accepted is None:
        return {"response": {"status": "204 No Content"}}
    return {"response": {"status": "202 Accepted", "location": _address(accepted)}}


def _address(accepted: Accepted) -> str:
    return f"{FHIR_PATH}/{_ONE}/{fhir_id(accepted.id)}"
