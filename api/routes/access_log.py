"""The access log, for whoever looks after the others."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from api.access import TheNote
from api.access_queries import (
    ACCESS_LOG_PATH,
    LogEntries,
    LogHead,
    LogQuery,
    head_view,
    log_entry_view,
)
from api.scopes import Scope
from api.security import Needs
from api.service import Service, service_of
from storage import access_log
from storage.access_model import Head
from storage.access_queries import LogPage, list_page

router = APIRouter(tags=["access log"])
TheService = Annotated[Service, Depends(service_of)]


@router.get(
    ACCESS_LOG_PATH,
    response_model=LogEntries,
    dependencies=[Depends(Needs(Scope.LOG_READ))],
)
async def list_entries(
    query: Annotated[LogQuery, Query()], note: TheNote, service: TheService
) -> Response:
    """List who did what, newest first. A page may be short; follow `next_cursor` to the end.

    The log tells of names, numbers and ids, never of a word of a report. Looking at it is logged.
    """
    named = query.named()
    before = None if query.cursor is None else int(service.cursors.read(query.cursor, named))

    def find() -> LogPage:
        with service.database.read() as conn:
            return list_page(conn, query.filters(), before=before, limit=query.page_size)

    page = await run_in_threadpool(find)
    note.items = len(page.entries)
    cursor = None
    if page.next_before is not None:
        cursor = service.cursors.make(str(page.next_before), named)
    shown = [log_entry_view(one) for one in page.entries]
    return JSONResponse({"entries": shown, "next_cursor": cursor})


@router.get(
    ACCESS_LOG_PATH + "/head",
    response_model=LogHead,
    dependencies=[Depends(Needs(Scope.LOG_READ))],
)
async def get_head(service: TheService) -> Response:
    """Return the last entry's number and hash, to be kept where nobody here can change it.

    `marrow verify-log --head` later shows that the log up to it is still what it was.
    """

    def find() -> Head:
        with service.database.read() as conn:
            return access_log.head(conn)

    return JSONResponse(head_view(await run_in_threadpool(find)))
