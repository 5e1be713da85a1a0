"""The list of reports, with its filters in the address; the same as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from api.listing import ReportQuery
from api.pages.lists import ORDERS, STATUSES, choices, vocabulary
from api.pages.queries import address, has_blanks, read_query
from api.pages.rendering import page
from api.pages.requests import CurrentVisitor, TheService
from api.pages.routes.reports import PATH
from api.pages.visitor import Visitor
from api.routes.reports import find_reports
from api.scopes import Scope
from api.security import Needs
from api.service import Service
from archives.write import NOTICE, safe_cell
from storage import reports
from storage.access_model import Action
from storage.model import ReportPage, StoredReport
from storage.report_counts import count

CSV_PATH = PATH + ".csv"
JSON_PATH = PATH + ".json"
_CSV_PAGE = 1_000
_COLUMNS = (
    "id", "report_id", "source", "state", "version", "level", "side", "study_date", "modality",
    "description", "accession", "patient_id", "age_years", "sex",
)  # fmt: skip

router = APIRouter(
    include_in_schema=False, dependencies=[Depends(Needs(Scope.REPORTS_READ, Action.SEARCH))]
)


@router.get(PATH)
async def list_reports(request: Request, visitor: CurrentVisitor, service: TheService) -> Response:
    """Show a page of the reports that the filters leave."""
    query = read_query(request, ReportQuery)
    if has_blanks(request):
        return RedirectResponse(address(PATH, query), status_code=303)
    return await run_in_threadpool(_list, request, visitor, service, query)


@router.get(CSV_PATH, dependencies=[Depends(Needs(Scope.EXPORT))])
async def list_as_csv(request: Request, service: TheService) -> Response:
    """Return all reports that the filters leave, without their texts."""
    query = read_query(request, ReportQuery)
    return StreamingResponse(
        _csv(service, query),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": 'attachment; filename="reports.csv"',
            "Marrow-Notice": NOTICE,
        },
    )


@router.get(JSON_PATH)
async def list_as_json(request: Request, service: TheService) -> Response:
    """Return the same page for programs, in the form of ``GET /v1/reports``.

    That one does not know who signed in here: no page of anybody can use the API as somebody.
    """
    query = read_query(request, ReportQuery)
    return JSONResponse(await run_in_threadpool(find_reports, service, query))


def _list(request: Request, visitor: Visitor, service: Service, query: ReportQuery) -> Response:
    filters, named = query.filters(), query.named()
    after = None if query.cursor is None else service.cursors.read(query.cursor, named)
    with service.database.read() as conn:
        found = reports.list_page(
            conn, filters, after=after, limit=query.page_size, order=query.sort
        )
        counts = count(conn, filters)
    return page(
        request,
        "reports.html.j2",
        visitor=visitor,
        query=query,
        found=found.reports,
        total=counts.total,
        levels=choices(PATH, query, "level", counts.levels),
        states=choices(PATH, query, "state", counts.states),
        vocabulary=vocabulary(service),
        statuses=STATUSES,
        orders=ORDERS,
        first_path=None if query.cursor is None else address(PATH, query),
        next_path=_next_path(service, query, found),
        json_path=address(JSON_PATH, query, cursor=query.cursor),
        csv_path=address(CSV_PATH, query, page_size=None),
    )


def _next_path(service: Service, query: ReportQuery, found: ReportPage) -> str | None:
    if found.next_after is None:
        return None
    return address(PATH, query, cursor=service.cursors.make(found.next_after, query.named()))


def _csv(service: Service, query: ReportQuery) -> Iterator[str]:
    yield "\ufeff" + _rows([_COLUMNS])
    after: str | None = None
    while True:
        with service.database.read() as conn:
            found = reports.list_page(
                conn, query.filters(), after=after, limit=_CSV_PAGE, order=query.sort
            )
        yield _rows([_row(report) for report in found.reports])
        if found.next_after is None:
            return
        after = found.next_after


def _rows(rows: list[tuple[object, ...]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(
        [safe_cell(cell) for cell in row] for row in rows
    )
    return out.getvalue()


def _row(report: StoredReport) -> tuple[object, ...]:
    study, patient = report.study, report.patient
    return (
        report.id, report.report_id, report.source, report.state.value, report.version,
        report.level, report.side, study.date, study.modality, study.description,
        study.accession, patient.id, patient.age_years, patient.sex,
    )  # fmt: skip
