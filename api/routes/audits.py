"""Audits: starting, following, listing, cancelling, deleting."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse

from api.access import TheNote
from api.audit_events import Place, events
from api.audit_queries import AuditArgumentsQuery, AuditsQuery
from api.audit_states import cancel, delete, load
from api.audit_views import (
    AUDITS_PATH,
    PREVIEW_PATH,
    AuditList,
    AuditPreview,
    AuditView,
    audit_path,
    audit_summary,
    audit_view,
)
from api.auditing import is_source, start_from_source, start_from_upload
from api.previewing import preview_archive
from api.scopes import Scope
from api.security import CurrentKey, Needs
from api.service import Service, service_of
from storage import audits
from storage.access_model import Action
from storage.audit_model import OPEN, AuditPage

_RETRY_AFTER_S = "2"
_ONCE = (
    "Your own word for this request, unique for seven days. Sending the same archive again under "
    "it gives the same audit, with `Idempotency-Replayed: true`; another one is refused."
)
_NAME = (
    'The name of an uploaded file, `attachment; filename="export.csv"`: its end tells the format, '
    "with `.gz` behind it for gzip."
)
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The archive as it is, or where it lies.",
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "application/json": {"schema": {"$ref": "#/components/schemas/AuditSource"}},
        },
    }
}

router = APIRouter(tags=["audits"])
TheService = Annotated[Service, Depends(service_of)]


@router.post(
    AUDITS_PATH,
    status_code=202,
    response_model=AuditView,
    dependencies=[Depends(Needs(Scope.AUDITS_WRITE))],
    openapi_extra=_BODY,
)
async def post_audit(
    *,
    request: Request,
    query: Annotated[AuditArgumentsQuery, Query()],
    key: CurrentKey,
    note: TheNote,
    service: TheService,
    content_disposition: Annotated[str | None, Header(description=_NAME)] = None,
    idempotency_key: Annotated[str | None, Header(description=_ONCE, max_length=1_000)] = None,
) -> Response:
    """Start the audit of an archive: uploaded as the body, or read where it lies.

    An upload is the file itself, of any size and in any format that is read, named by
    `Content-Disposition`. A body of `application/json` without a name says where the archive
    lies: `{"source": "file:///archives/2019"}`, or names one that came through `/v1/uploads`, where
    a large archive goes on after a cut: `{"upload": "upl_..."}`. The answer comes once the archive
    is safely stored; workers read it in the background.
    """
    del content_disposition, idempotency_key  # declared for the description; read elsewhere
    start = start_from_source if is_source(request) else start_from_upload
    started = await start(request, service, key, query)
    note.target = started.id
    audit = await run_in_threadpool(load, service, started.id)
    headers = {"Location": audit_path(audit.id), "Retry-After": _RETRY_AFTER_S}
    if started.is_replayed:
        headers["Idempotency-Replayed"] = "true"
    return JSONResponse(audit_view(audit), status_code=202, headers=headers)


@router.post(
    PREVIEW_PATH,
    response_model=AuditPreview,
    dependencies=[Depends(Needs(Scope.AUDITS_WRITE, Action.EXTRACT))],
    openapi_extra=_BODY,
)
async def post_preview(
    *,
    request: Request,
    query: Annotated[AuditArgumentsQuery, Query()],
    key: CurrentKey,
    service: TheService,
    content_disposition: Annotated[str | None, Header(description=_NAME)] = None,
) -> Response:
    """Say what would be read from an archive, by its first 100 rows: a dry run.

    Takes what `POST /v1/audits` takes, and keeps nothing: which format, encoding and columns are
    recognised, how often each field is filled, and which rows would be refused. A large archive is
    uploaded once, and its `upload` named here and there.
    """
    del content_disposition  # declared for the description; read elsewhere
    return JSONResponse(await preview_archive(request, service, key, query))


@router.get(AUDITS_PATH, response_model=AuditList, dependencies=[Depends(Needs(Scope.AUDITS_READ))])
async def list_audits(query: Annotated[AuditsQuery, Query()], service: TheService) -> Response:
    """List audits, newest first. Follow `next_cursor` with the same filters."""
    named = query.named()
    after = None if query.cursor is None else service.cursors.read(query.cursor, named)

    def find() -> AuditPage:
        with service.database.read() as conn:
            return audits.list_page(conn, state=query.wanted(), after=after, limit=query.page_size)

    page = await run_in_threadpool(find)
    cursor = None if page.next_after is None else service.cursors.make(page.next_after, named)
    shown = [audit_summary(audit) for audit in page.audits]
    return JSONResponse({"audits": shown, "next_cursor": cursor})


@router.get(
    AUDITS_PATH + "/{id}",
    response_model=AuditView,
    dependencies=[Depends(Needs(Scope.AUDITS_READ))],
)
async def get_audit(
    id: str,  # noqa: A002 - the name in the path
    service: TheService,
) -> Response:
    """Return an audit's state, its counts, its rate and the time left; once done, its summary."""
    audit = await run_in_threadpool(load, service, id)
    headers = {"Retry-After": _RETRY_AFTER_S} if audit.state in OPEN else {}
    return JSONResponse(audit_view(audit), headers=headers)


@router.get(
    AUDITS_PATH + "/{id}/events",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "Events until the end."},
        204: {"description": "The client has heard the end already."},
    },
    dependencies=[Depends(Needs(Scope.AUDITS_READ))],
)
async def get_events(
    id: str,  # noqa: A002 - the name in the path
    service: TheService,
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event that was heard.")
    ] = None,
) -> Response:
    """Follow an audit by server-sent events: `progress` with its counts, at last `end`."""
    audit = await run_in_threadpool(load, service, id)
    heard = Place.read(last_event_id)
    if heard is not None and heard.is_end and audit.state not in OPEN:
        return Response(status_code=204)
    return StreamingResponse(
        events(service, audit, heard=heard),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


@router.post(
    AUDITS_PATH + "/{id}/cancel",
    response_model=AuditView,
    dependencies=[Depends(Needs(Scope.AUDITS_WRITE, Action.CHANGE))],
)
async def cancel_audit(
    id: str,  # noqa: A002 - the name in the path
    service: TheService,
) -> Response:
    """Stop an audit for good; what it had read is removed. Cancelling twice is fine."""
    return JSONResponse(audit_view(await run_in_threadpool(cancel, service, id)))


@router.delete(
    AUDITS_PATH + "/{id}",
    status_code=204,
    response_class=Response,
    dependencies=[Depends(Needs(Scope.AUDITS_DELETE))],
)
async def delete_audit(
    id: str,  # noqa: A002 - the name in the path
    service: TheService,
) -> Response:
    """Delete an audit with its archive and its results, for good, whatever its state."""
    await run_in_threadpool(delete, service, id)
    return Response(status_code=204)
