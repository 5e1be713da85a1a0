"""The list of audits, and starting one: an archive is uploaded or named, looked at, and then read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from api.access import TheNote
from api.audit_queries import AuditsQuery
from api.auditing import start_named
from api.callers import Caller
from api.pages.audit_forms import TITLES, posted_fields, read_archive, read_arguments
from api.pages.forms import Form, read_form
from api.pages.lists import Choice
from api.pages.posted_file import posted_file
from api.pages.queries import address, read_query, with_query
from api.pages.requests import TheService, TheView, View
from api.previewing import preview_named
from api.problems import Code, FieldError, Problem
from api.resuming import keep_whole
from api.scopes import Scope
from api.security import CurrentKey, Needs
from storage import audits
from storage.access_model import Action
from storage.audit_model import AuditState

PATH = "/audits"
NEW_PATH = PATH + "/new"
UPLOADS_PATH = PATH + "/uploads"
_FIELD = "archive"
_MENDED_HERE = frozenset({Code.VALIDATION_FAILED, Code.ARCHIVE_UNREADABLE})
"""What the person who looks at an archive can put right in the form."""
_WRITES = [Depends(Needs(Scope.AUDITS_WRITE))]
_LOOKS = [Depends(Needs(Scope.AUDITS_WRITE, Action.EXTRACT))]

router = APIRouter(include_in_schema=False)


@router.get(PATH, dependencies=[Depends(Needs(Scope.AUDITS_READ))])
async def list_audits(view: TheView) -> Response:
    """Show a page of the audits, newest first, with the forms to start one."""
    query = read_query(view.request, AuditsQuery)
    return await run_in_threadpool(_list, view, query)


@router.post(UPLOADS_PATH, dependencies=_WRITES)
async def upload(request: Request, service: TheService, key: CurrentKey) -> Response:
    """Receive an archive, and show what was recognised in it."""
    async with posted_file(request, service.files.scratch, _FIELD) as file:
        kept = await run_in_threadpool(keep_whole, service, key, file.path, file.name)
    path = with_query(NEW_PATH, {"upload": kept.id})
    if "hx-request" in request.headers:
        # The whole page is changed, with its address.
        return Response(status_code=204, headers={"HX-Redirect": path})
    return RedirectResponse(path, status_code=303)


@router.get(NEW_PATH, dependencies=_LOOKS)
async def look_at_upload(view: TheView, key: CurrentKey) -> Response:
    """Show what would be read from an upload: a dry run."""
    return await _look(view, key, posted_fields(view.request.query_params.get))


@router.post(NEW_PATH, dependencies=_LOOKS)
async def look_at_source(
    view: TheView,
    key: CurrentKey,
    form: Annotated[Form, Depends(read_form)],
) -> Response:
    """Show the same of an archive that lies where the service can read it.

    Posted and not in the address: names of folders may say more than they should.
    """
    return await _look(view, key, posted_fields(form.get))


@router.post(PATH, dependencies=_WRITES)
async def start(
    view: TheView,
    key: CurrentKey,
    note: TheNote,
    form: Annotated[Form, Depends(read_form)],
) -> Response:
    """Start the audit, and show how far it is."""
    posted = posted_fields(form.get)
    named = read_archive(posted)
    try:
        query = read_arguments(posted)
    except Problem:
        return await _look(view, key, posted)
    started = await run_in_threadpool(start_named, view.service, key, named, query)
    note.target = started.id
    return RedirectResponse(f"{PATH}/{started.id}", status_code=303)


def _list(view: View, query: AuditsQuery) -> Response:
    after = None if query.cursor is None else view.service.cursors.read(query.cursor, query.named())
    with view.service.database.read() as conn:
        found = audits.list_page(conn, state=query.wanted(), after=after, limit=query.page_size)
        counts = audits.count_by_state(conn)
    cursor = found.next_after and view.service.cursors.make(found.next_after, query.named())
    return view.page(
        "audits.html.j2",
        found=found.audits,
        states=_states(query, counts),
        total=sum(counts.values()) if query.state is None else counts.get(query.state, 0),
        first_path=None if query.cursor is None else address(PATH, query),
        next_path=cursor and address(PATH, query, cursor=cursor),
        has_sources=bool(view.service.source_roots),
        most_bytes=view.service.settings.max_archive_bytes,
    )


def _states(query: AuditsQuery, counts: Mapping[str, int]) -> list[Choice]:
    return [
        Choice(
            value=state,
            title=state.value,
            number=counts.get(state, 0),
            is_chosen=state == query.state,
            path=address(PATH, query, state=None if state == query.state else state.value),
        )
        for state in AuditState
        if counts.get(state) or state == query.state
    ]


async def _look(view: View, key: Caller, posted: Mapping[str, str]) -> Response:
    """Look at the archive, and show what is in it or what keeps it from being read."""
    named = read_archive(posted)
    found: dict[str, Any] | None = None
    faults: list[tuple[str, str, str]] = []
    try:
        found = await preview_named(view.service, key, named, read_arguments(posted))
    except Problem as problem:
        if problem.code not in _MENDED_HERE:
            raise
        faults = [_fault(error) for error in problem.errors] or [
            ("map", "The archive", problem.detail)
        ]
    return view.page(
        "audit_new.html.j2",
        status=422 if faults else 200,
        posted=posted,
        found=found,
        faults=faults,
    )


def _fault(error: FieldError) -> tuple[str, str, str]:
    """Return which field of the form a fault is about, its title, and what is wrong."""
    name = error.parameter or (error.pointer or "").strip("/")
    return (
        (name, TITLES[name], error.detail)
        if name in TITLES
        else ("map", "The archive", error.detail)
    )
