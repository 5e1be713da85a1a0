"""Stored reports, one by one."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.access import TheNote
from api.pages.reading import definition_of, make_reading
from api.pages.rendering import page
from api.pages.requests import CurrentVisitor, TheService
from api.pages.visitor import Visitor
from api.routes.reports import load
from api.scopes import Scope
from api.security import Needs
from api.service import Service
from storage.access_model import Action

PATH = "/reports"

router = APIRouter(include_in_schema=False, dependencies=[Depends(Needs(Scope.REPORTS_READ))])


@router.get(PATH + "/{id}")
async def show(
    *,
    id: str,  # noqa: A002 - the name in the path
    request: Request,
    visitor: CurrentVisitor,
    note: TheNote,
    service: TheService,
) -> Response:
    """Show one report, its mentions marked in it, beside what the case definition makes of them."""
    if visitor.reads_text:
        note.action = Action.READ_TEXT
    return await run_in_threadpool(_show, id, request, visitor, service)


def _show(id_: str, request: Request, visitor: Visitor, service: Service) -> Response:
    report = load(service, id_, include_text=visitor.reads_text)
    reading = None
    if report.result is not None:
        reading = make_reading(report.result, report.text, definition_of(service))
    return page(request, "report.html.j2", visitor=visitor, report=report, reading=reading)
