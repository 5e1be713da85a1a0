"""Start an audit, once for each ``Idempotency-Key``: its archive is safe before it is promised.

An upload is put into the store of files first, and named by the transaction that makes the audit
with its unit of work. What no transaction names is removed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import Request
from starlette.concurrency import run_in_threadpool

from api.accepting import Once, OtherWasFirstError, check_same, once
from api.audit_queries import SOURCE, AuditArgumentsQuery, AuditSource
from api.audit_views import AUDITS_PATH
from api.body import JsonBody
from api.problems import Code, FieldError, Problem
from api.service import Service
from api.uploads import Upload, has_name, received
from api.validation import failed
from storage import audits, idempotency
from storage.audit_model import NewAudit
from storage.errors import SourceError
from storage.files import AUDITS
from storage.idempotency import Answer
from storage.ids import new_id
from storage.keys import Key
from storage.sources import resolve_source

_ROUTE = f"POST {AUDITS_PATH}"
_SOURCE_BODY = JsonBody(SOURCE)
_LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Started:
    """The audit that a request made, or had made before."""

    id: str
    is_replayed: bool = False


def is_source(request: Request) -> bool:
    """Return whether the body says where the archive lies, and is not the archive itself."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" and not has_name(request)


async def start_from_source(
    request: Request, service: Service, key: Key, query: AuditArgumentsQuery
) -> Started:
    """Start an audit of an archive where it lies."""
    body = await _read_small(request, service.settings.max_body_bytes)
    posted: AuditSource = _SOURCE_BODY.parse(body)
    try:
        path = await run_in_threadpool(resolve_source, posted.source, service.source_roots)
    except SourceError:
        detail = "must be `file:///path` of what is there, below a root that the operator allows"
        raise failed([FieldError(code="NOT_ALLOWED", detail=detail, pointer="/source")]) from None
    new = NewAudit(
        id=new_id("aud"), name=path.name, source=path.as_uri(), arguments=query.arguments()
    )
    digest = hashlib.sha256(body).hexdigest()
    return await run_in_threadpool(_store, service, new, _once(request, key, query, digest))


async def start_from_upload(
    request: Request, service: Service, key: Key, query: AuditArgumentsQuery
) -> Started:
    """Start an audit of the archive that the body is."""
    async with received(request, service.files.scratch) as upload:
        promised = _once(request, key, query, upload.sha256)
        return await run_in_threadpool(_store_upload, service, upload, query, promised=promised)


def _store_upload(
    service: Service, upload: Upload, query: AuditArgumentsQuery, *, promised: Once | None
) -> Started:
    id_ = new_id("aud")
    name = f"{AUDITS}/{id_}/input"
    new = NewAudit(
        id=id_,
        name=upload.name,
        upload=name,
        bytes=upload.bytes,
        arguments=query.arguments(),
    )
    service.files.put(upload.path, name)
    started: Started | None = None
    try:
        started = _store(service, new, promised)
    finally:
        if started is None or started.is_replayed:
            service.files.remove(f"{AUDITS}/{id_}")
    return started


def _store(service: Service, new: NewAudit, promised: Once | None) -> Started:
    try:
        return _store_once(service, new, promised)
    except OtherWasFirstError:
        # What the other one remembered is committed by now.
        return _store_once(service, new, promised)


def _store_once(service: Service, new: NewAudit, promised: Once | None) -> Started:
    with service.database.begin() as conn:
        if promised is not None:
            answer = idempotency.recall(conn, promised.request)
            if answer is not None:
                check_same(answer, promised)
                return Started(answer.response["id"], is_replayed=True)
        audits.create(conn, new)
        if promised is not None:
            kept = Answer(body_sha256=promised.body_sha256, status=202, response={"id": new.id})
            if not idempotency.remember(conn, promised.request, kept):
                raise OtherWasFirstError
    _LOG.info("audit_accepted", audit=new.id)
    return Started(new.id)


def _once(request: Request, key: Key, query: AuditArgumentsQuery, body_sha256: str) -> Once | None:
    """Return what the ``Idempotency-Key`` asks for; the arguments belong to what was sent."""
    both: Any = [query.arguments(), body_sha256]
    digest = hashlib.sha256(json.dumps(both, sort_keys=True).encode()).hexdigest()
    return once(request, key, _ROUTE, body_sha256=digest)


async def _read_small(request: Request, limit: int) -> bytes:
    """Read a body that is no archive: the limit of this path is that of archives."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise Problem(
                Code.BODY_TOO_LARGE,
                f"A source may have at most {limit} bytes; name the file if it is an archive.",
                headers={"Connection": "close"},
            )
    return bytes(body)
