"""Reports: posting, looking up, listing, deleting."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from api.accepting import Acceptance, accept, read_once
from api.access import TheNote
from api.listing import ReportQuery
from api.openapi import json_request
from api.problems import Code, Problem
from api.scopes import Scope
from api.security import CurrentKey, Needs, check_scope, may
from api.service import Service, service_of
from api.submitted import OTHER_TYPES, Submitted, submitted
from api.views import (
    REPORTS_PATH,
    AcceptedReports,
    ReportList,
    ReportView,
    accepted_view,
    report_path,
    report_summary,
    report_view,
)
from api.waiting import preferred_wait_s, wait_until_final
from storage import idempotency, reports, tombstones
from storage.access_model import Action
from storage.model import Lane, ReportState, StoredReport
from storage.tombstones import Deletion, Reason, Tombstone

_RETRY_AFTER_S = "1"
_ONCE = (
    "Your own word for this request, unique for seven days. Sending the same request again under "
    "it gives the same reports, with `Idempotency-Replayed: true`; another body is refused."
)

router = APIRouter(tags=["reports"])
TheService = Annotated[Service, Depends(service_of)]


@router.post(
    REPORTS_PATH,
    status_code=202,
    response_model=ReportView | AcceptedReports,
    responses={200: {"model": ReportView, "description": "The result is there already."}},
    dependencies=[Depends(Needs(Scope.REPORTS_WRITE))],
    openapi_extra=json_request("Submission", also=OTHER_TYPES),
)
async def post_reports(
    *,
    request: Request,
    posted: Annotated[Submitted, Depends(submitted)],
    key: CurrentKey,
    note: TheNote,
    service: TheService,
    idempotency_key: Annotated[str | None, Header(description=_ONCE, max_length=1_000)] = None,
) -> Response:
    """Accept one report, or up to 1,000 as `{"reports": [...]}`: all of them or none.

    One report may also be sent as it is: its words as `text/plain`, or a DICOM structured report
    as `application/dicom`, which tells patient and study as well.

    The answer comes once they are safely stored; they are read in the background. For a single
    report the header `Prefer: wait=N` holds the answer until the result is there, for up to N
    seconds: `200` with the result, or `202` as without it. Posting the same text again under the
    same source and accession gives the report that is there.
    """
    del idempotency_key  # declared for the description; `read_once` reads it
    once = await read_once(request, key, f"POST {REPORTS_PATH}")
    if posted.is_list:
        note.items = len(posted.reports)
        acceptance = await accept(service, posted.reports, lane=Lane.BULK, once=once)
        return _answer_many(acceptance)
    acceptance = await accept(service, posted.reports, lane=Lane.INTERACTIVE, once=once)
    note.target = acceptance.reports[0].id
    return await _answer_one(request, service, acceptance)


@router.get(
    REPORTS_PATH,
    response_model=ReportList,
    dependencies=[Depends(Needs(Scope.REPORTS_READ, Action.SEARCH))],
)
async def list_reports(
    query: Annotated[ReportQuery, Query()], note: TheNote, service: TheService
) -> Response:
    """List reports, newest first, without results and texts.

    `finding`, `status` and `site` must hold for one and the same mention. Follow `next_cursor`
    with the same filters; reports that arrive meanwhile shift nothing.
    """
    found = await run_in_threadpool(find_reports, service, query)
    note.items = len(found["reports"])
    return JSONResponse(found)


def find_reports(service: Service, query: ReportQuery) -> dict[str, Any]:
    """Return a :class:`ReportList` as JSON-ready values. Raises Problem."""
    named = query.named()
    after = None if query.cursor is None else service.cursors.read(query.cursor, named)
    with service.database.read() as conn:
        page = reports.list_page(
            conn, query.filters(), after=after, limit=query.page_size, order=query.sort
        )
    cursor = None if page.next_after is None else service.cursors.make(page.next_after, named)
    return {"reports": [report_summary(one) for one in page.reports], "next_cursor": cursor}


@router.get(
    REPORTS_PATH + "/{id}",
    response_model=ReportView,
    dependencies=[Depends(Needs(Scope.REPORTS_READ))],
)
async def get_report(
    *,
    id: str,  # noqa: A002 - the name in the path
    key: CurrentKey,
    note: TheNote,
    service: TheService,
    include: Annotated[Literal["text"] | None, Query()] = None,
) -> Response:
    """Return a report's state and, once it is done, its result.

    `include=text` adds the text, which takes the scope `text:read` as well; without that scope
    quotes and headings in the result are empty, their places stay. A report that was deleted
    answers `410`.
    """
    if include == "text":
        note.action = Action.READ_TEXT
        check_scope(key, Scope.TEXT_READ)
    report = await run_in_threadpool(load, service, id, include_text=include == "text")
    headers = {"Retry-After": _RETRY_AFTER_S} if report.state is ReportState.QUEUED else {}
    view = report_view(report, include_text=include == "text", with_words=may(key, Scope.TEXT_READ))
    return JSONResponse(view, headers=headers)


@router.delete(
    REPORTS_PATH + "/{id}",
    status_code=204,
    response_class=Response,
    dependencies=[Depends(Needs(Scope.REPORTS_DELETE))],
)
async def delete_report(
    id: str,  # noqa: A002 - the name in the path
    key: CurrentKey,
    service: TheService,
) -> Response:
    """Delete a report with its text, its result and its mentions, for good.

    What is left is its id, the times it came and went, and which key deleted it.
    """
    deletion = Deletion(Reason.REQUEST, by=key.label)

    def delete() -> None:
        if not _looks_like_id(id):
            raise _not_found()
        with service.database.begin() as conn:
            if not reports.delete(conn, id, deletion):
                raise _gone(tombstones.get(conn, id))
            idempotency.blank(conn, idempotency.naming(conn, {id}))

    await run_in_threadpool(delete)
    return Response(status_code=204)


def _answer_many(acceptance: Acceptance) -> Response:
    body = {"reports": [accepted_view(one) for one in acceptance.reports]}
    headers = {"Location": REPORTS_PATH, "Retry-After": _RETRY_AFTER_S} | _replayed(acceptance)
    return JSONResponse(body, status_code=202, headers=headers)


async def _answer_one(request: Request, service: Service, acceptance: Acceptance) -> Response:
    [accepted] = acceptance.reports
    wait_s = preferred_wait_s(
        request.headers.getlist("prefer"), longest_s=service.settings.max_wait_s
    )
    if wait_s is not None and accepted.state is ReportState.QUEUED:
        await wait_until_final(request, service, accepted.id, wait_s=wait_s)
    report = await run_in_threadpool(load, service, accepted.id)
    headers = {"Location": report_path(report.id)} | _replayed(acceptance)
    if report.state is ReportState.QUEUED:
        headers["Retry-After"] = _RETRY_AFTER_S
        return JSONResponse(report_view(report), status_code=202, headers=headers)
    if wait_s is not None:
        headers["Preference-Applied"] = f"wait={wait_s:g}"
    return JSONResponse(report_view(report), headers=headers)


def _replayed(acceptance: Acceptance) -> dict[str, str]:
    return {"Idempotency-Replayed": "true"} if acceptance.is_replayed else {}


def load(service: Service, id_: str, *, include_text: bool = False) -> StoredReport:
    """Return a report, or raise Problem."""
    if not _looks_like_id(id_):
        raise _not_found()
    with service.database.read() as conn:
        report = reports.get(conn, id_, include_text=include_text)
        if report is None:
            raise _gone(tombstones.get(conn, id_))
    return report


def _looks_like_id(id_: str) -> bool:
    # What is none of ours need not reach the database, which refuses NUL with an error.
    return id_.startswith("rep_") and id_.isascii() and id_.isprintable()


def _gone(tombstone: Tombstone | None) -> Problem:
    if tombstone is None:
        return _not_found()
    day = tombstone.deleted_at.date().isoformat()
    return Problem(Code.REPORT_DELETED, f"It was deleted on {day}, for good.")


def _not_found() -> Problem:
    return Problem(Code.REPORT_NOT_FOUND, "No report has this id.")
