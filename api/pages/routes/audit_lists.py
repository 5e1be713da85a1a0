"""The cases of an audit, one case, and what could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse, Response

from api.audit_lists import count_cases, find_case, list_cases, list_failures
from api.audit_queries import (
    CASE_FACETS,
    CaseOrder,
    CasesQuery,
    FailuresQuery,
    OutputFile,
    PageSize,
)
from api.audit_states import load
from api.pages.lists import Choice
from api.pages.queries import address, has_blanks, read_query
from api.pages.requests import TheService, TheView, View
from api.pages.routes.audit import PATH as AUDIT_PATH
from api.patients import timeline_of_patient
from api.problems import Code, Problem
from api.scopes import Scope
from api.security import CurrentKey, Needs, may
from extractor.model import Level
from storage.access_model import Action

CASES_PATH = AUDIT_PATH + "/cases"
FAILURES_PATH = AUDIT_PATH + "/failures"
_ORDERS = {
    CaseOrder.STRONGEST: "strongest first",
    CaseOrder.STUDY_NEWEST: "latest study first",
    CaseOrder.STUDY_OLDEST: "earliest study first",
}
_TITLES = {"level": "Level", "side": "Side", "sex": "Sex", "modality": "Modality"}
_KINDS = {
    "named": "Named",
    "core": "Core",
    "minor": "Minor",
    "hard": "Against",
    "soft": "Against, weakly",
}
_SEARCHES = [Depends(Needs(Scope.AUDITS_READ, Action.SEARCH))]
_Counts = Mapping[str, Mapping[str | None, int]]

router = APIRouter(include_in_schema=False)


class CasesPageQuery(CasesQuery):
    """The same with fewer on a page: each comes with its evidence."""

    page_size: PageSize = 25


@router.get(CASES_PATH, dependencies=_SEARCHES)
async def show_cases(
    id: str,  # noqa: A002 - the name in the path
    view: TheView,
) -> Response:
    """Show a page of the cases that the filters leave."""
    query = read_query(view.request, CasesPageQuery)
    path = CASES_PATH.format(id=load(view.service, id).id)
    if has_blanks(view.request):
        return RedirectResponse(address(path, query), status_code=303)
    return await run_in_threadpool(_cases, view, id, query, path=path)


@router.get(CASES_PATH + ".json", dependencies=_SEARCHES)
async def cases_as_json(
    id: str,  # noqa: A002 - the name in the path
    request: Request,
    service: TheService,
    key: CurrentKey,
) -> Response:
    """Return the same page for programs, in the form of ``GET /v1/audits/{id}/cases``."""
    query = read_query(request, CasesQuery)
    with_words = may(key, Scope.TEXT_READ)
    found = await run_in_threadpool(list_cases, service, id, query, with_words=with_words)
    return JSONResponse({"cases": found.rows, "next_cursor": found.next_cursor})


@router.get(CASES_PATH + "/{number}", dependencies=[Depends(Needs(Scope.AUDITS_READ, Action.READ))])
async def show_case(
    *,
    id: str,  # noqa: A002 - the name in the path
    number: str,
    view: TheView,
) -> Response:
    """Show one case: what it rests on, and the other reports of the patient."""
    return await run_in_threadpool(_case, view, id, number=number)


@router.get(FAILURES_PATH, dependencies=[Depends(Needs(Scope.AUDITS_READ))])
async def show_failures(
    id: str,  # noqa: A002 - the name in the path
    view: TheView,
) -> Response:
    """Show a page of what could not be read: places and reasons."""
    query = read_query(view.request, FailuresQuery)
    return await run_in_threadpool(_failures, view, id, query)


def _cases(
    view: View,
    id_: str,
    query: CasesQuery,
    *,
    path: str,
) -> Response:
    audit = load(view.service, id_)
    found = list_cases(view.service, id_, query, with_words=view.visitor.reads_text)
    total, counts = count_cases(view.service, id_, query)
    cursor = found.next_cursor
    return view.page(
        "cases.html.j2",
        audit=audit,
        query=query,
        rows=found.rows,
        total=total,
        facets_of={_TITLES[name]: _choices(path, query, name, counts) for name in CASE_FACETS},
        orders=_ORDERS,
        kinds=_KINDS,
        first_path=None if query.cursor is None else address(path, query),
        next_path=None if cursor is None else address(path, query, cursor=cursor),
        json_path=address(path + ".json", query, cursor=query.cursor, page_size=query.page_size),
        csv_path=f"{AUDIT_PATH.format(id=audit.id)}/files/{OutputFile.CASES.value}",
        base=AUDIT_PATH.format(id=audit.id),
        path_of_list=path,
    )


def _choices(path: str, query: CasesQuery, name: str, counts: _Counts) -> list[Choice]:
    chosen = getattr(query, name)
    values = {*counts[name], chosen} - {None}
    order = [str(level) for level in Level]
    return [
        Choice(
            value=value,
            title=value.replace("_", " "),
            number=counts[name].get(value, 0),
            is_chosen=value == chosen,
            path=address(path, query, **{name: None if value == chosen else value}),
        )
        for value in sorted(
            map(str, values),
            key=lambda one: (one not in order, one in order and order.index(one), one),
        )
    ]


def _case(view: View, id_: str, *, number: str) -> Response:
    audit = load(view.service, id_)
    case: dict[str, Any] | None = None
    if number.isascii() and number.isdigit():
        case = find_case(view.service, id_, int(number[:12]), with_words=view.visitor.reads_text)
    if case is None:
        raise Problem(Code.ROUTE_NOT_FOUND, "The audit has no such case.")
    return view.page(
        "case.html.j2",
        audit=audit,
        case=case,
        kinds=_KINDS,
        timeline=timeline_of_patient(view.service, id_, case["patient_id"]),
        base=AUDIT_PATH.format(id=audit.id),
    )


def _failures(view: View, id_: str, query: FailuresQuery) -> Response:
    audit = load(view.service, id_)
    path = FAILURES_PATH.format(id=audit.id)
    found = list_failures(view.service, id_, query)
    return view.page(
        "failures.html.j2",
        audit=audit,
        rows=found.rows,
        reasons=(audit.summary or {}).get("failures", ()),
        first_path=None if query.cursor is None else path,
        next_path=found.next_cursor and address(path, query, cursor=found.next_cursor),
        csv_path=f"{AUDIT_PATH.format(id=audit.id)}/files/{OutputFile.FAILURES.value}",
        base=AUDIT_PATH.format(id=audit.id),
    )
