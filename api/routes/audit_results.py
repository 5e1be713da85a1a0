"""What an audit found: cases, tables, failures, the page. The files are those of `marrow audit`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse

from api.access import TheNote
from api.audit_files import (
    MEDIA_TYPES,
    SHOW_TEXT,
    converted,
    fhir_resources,
    file_headers,
    results_folder,
    whole_file,
)
from api.audit_lists import list_cases, list_failures
from api.audit_queries import (
    CasesQuery,
    FailuresQuery,
    OutputFile,
    ResultsQuery,
    RowFormat,
    TableFormat,
    TableName,
)
from api.audit_views import AUDITS_PATH, CaseList, FailureList
from api.routes.audits import TheService
from api.scopes import Scope
from api.security import CurrentKey, Needs, check_scope, may
from storage.access_model import Action

router = APIRouter(tags=["audits"])
_TAKES_AWAY = [Depends(Needs(Scope.AUDITS_READ)), Depends(Needs(Scope.EXPORT))]
"""What a route takes that gives out whole files."""


def _contents(*suffixes: str) -> dict[int | str, dict[str, Any]]:
    """Return the description of an answer that is a file."""
    types: dict[str, Any] = {MEDIA_TYPES[suffix].partition(";")[0]: {} for suffix in suffixes}
    return {200: {"content": types, "description": "The file."}}


@router.get(
    AUDITS_PATH + "/{id}/cases",
    response_model=CaseList,
    responses={200: {"content": {"text/csv": {}}}},
    dependencies=[Depends(Needs(Scope.AUDITS_READ, Action.SEARCH))],
)
async def get_cases(
    *,
    id: str,  # noqa: A002 - the name in the path
    query: Annotated[CasesQuery, Query()],
    key: CurrentKey,
    note: TheNote,
    service: TheService,
) -> Response:
    """List the cases, strongest first: a row for each probable hip, with its evidence in quotes.

    Without the scope `text:read` the columns that quote are empty. `format=csv` gives `cases.csv`,
    whole; it takes the scopes `export` and `text:read` as well.
    """
    if query.format is RowFormat.CSV:
        note.action = Action.EXPORT
        check_scope(key, Scope.EXPORT)
        check_scope(key, Scope.TEXT_READ)
        return await whole_file(service, id, OutputFile.CASES)
    found = await run_in_threadpool(
        list_cases, service, id, query, with_words=may(key, Scope.TEXT_READ)
    )
    return JSONResponse({"cases": found.rows, "next_cursor": found.next_cursor})


@router.get(
    AUDITS_PATH + "/{id}/failures",
    response_model=FailureList,
    responses={200: {"content": {"text/csv": {}}}},
    dependencies=[Depends(Needs(Scope.AUDITS_READ))],
)
async def get_failures(
    id: str,  # noqa: A002 - the name in the path
    query: Annotated[FailuresQuery, Query()],
    service: TheService,
) -> Response:
    """List what could not be read, in the order of the archive: place and reason, never text.

    `format=csv` gives `failures.csv`, whole.
    """
    if query.format is RowFormat.CSV:
        return await whole_file(service, id, OutputFile.FAILURES)
    found = await run_in_threadpool(list_failures, service, id, query)
    return JSONResponse({"failures": found.rows, "next_cursor": found.next_cursor})


@router.get(
    AUDITS_PATH + "/{id}/results",
    response_class=StreamingResponse,
    responses=_contents(".parquet", ".csv", ".ndjson"),
    dependencies=_TAKES_AWAY,
)
async def get_results(
    id: str,  # noqa: A002 - the name in the path
    query: Annotated[ResultsQuery, Query()],
    key: CurrentKey,
    service: TheService,
) -> Response:
    """Return a table: a row for each report, each mention, or each step of a patient's timeline.

    Takes the scope `export` as well. `mentions` shows the words around each mention, which takes the scope `text:read` as well.
    """
    if query.table is TableName.MENTIONS:
        check_scope(key, Scope.TEXT_READ)
    file = OutputFile(f"{query.table.value}.parquet")
    if query.format is TableFormat.PARQUET:
        return await whole_file(service, id, file)
    return await converted(service, id, file, query.format)


@router.get(
    AUDITS_PATH + "/{id}/fhir",
    response_class=StreamingResponse,
    responses=_contents(".fhir"),
    dependencies=_TAKES_AWAY,
)
async def get_fhir(
    id: str,  # noqa: A002 - the name in the path
    key: CurrentKey,
    service: TheService,
) -> Response:
    """Return every report that was read as a FHIR R4 DiagnosticReport, a line each (NDJSON).

    Takes the scope `export` as well. Without the scope `text:read` nothing is quoted; texts are in
    no audit's files.
    """
    folder = await run_in_threadpool(results_folder, service, id)
    lines = fhir_resources(service, folder, with_words=may(key, Scope.TEXT_READ))
    headers = file_headers("diagnostic-reports.ndjson")
    return StreamingResponse(lines, media_type=MEDIA_TYPES[".fhir"], headers=headers)


@router.get(
    AUDITS_PATH + "/{id}/report",
    response_class=StreamingResponse,
    responses=_contents(".html"),
    dependencies=[Depends(Needs(Scope.AUDITS_READ, Action.EXPORT))],
)
async def get_report_page(
    id: str,  # noqa: A002 - the name in the path
    key: CurrentKey,
    service: TheService,
) -> Response:
    """Return the audit's page: one HTML file that needs no network. Takes `text:read` as well."""
    check_scope(key, Scope.TEXT_READ)
    return await whole_file(service, id, OutputFile.REPORT)


@router.get(
    AUDITS_PATH + "/{id}/files/{file}",
    response_class=StreamingResponse,
    responses=_contents(".parquet", ".csv", ".json", ".html"),
    dependencies=_TAKES_AWAY,
)
async def get_file(
    id: str,  # noqa: A002 - the name in the path
    file: OutputFile,
    key: CurrentKey,
    service: TheService,
) -> Response:
    """Return one output file, byte for byte as `marrow audit` writes it.

    Takes the scope `export` as well; `mentions.parquet`, `cases.csv` and `report.html`, which show
    words of reports, `text:read` too.
    """
    if file in SHOW_TEXT:
        check_scope(key, Scope.TEXT_READ)
    return await whole_file(service, id, file)
