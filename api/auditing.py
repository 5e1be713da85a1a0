"""Start an audit, once for each ``Idempotency-Key``: its archive is safe before it is promised.

An upload is put into the store of files first, and named by the transaction that makes the audit
with its unit of work. What no transaction names is removed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from fastapi import Request
from sqlalchemy.engine import Connection
from starlette.concurrency import run_in_threadpool

from api.accepting import Once, OtherWasFirstError, check_same, once
from api.audit_queries import SOURCE, AuditArgumentsQuery, AuditSource
from api.audit_views import AUDITS_PATH
from api.body import JsonBody
from api.callers import Caller
from api.problems import Code, FieldError, Problem
from api.resuming import find, not_whole
from api.service import Service
from api.uploads import Upload, has_name, received
from api.validation import failed
from storage import audits, idempotency, uploads
from storage.audit_model import NewAudit
from storage.errors import SourceError
from storage.files import AUDITS
from storage.idempotency import Answer
from storage.ids import new_id
from storage.sources import resolve_source
from storage.uploads import StoredUpload

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


class _UploadTakenError(Exception):
    """Another request was given the upload; rolls our transaction back."""


async def start_from_source(
    request: Request, service: Service, key: Caller, query: AuditArgumentsQuery
) -> Started:
    """Start an audit of an archive where it lies, or of an upload that has arrived."""
    posted, digest = await read_source(request, service)
    promised = _once(request, key, query, digest)
    return await run_in_threadpool(start_named, service, key, posted, query, promised=promised)


def start_named(
    service: Service,
    key: Caller,
    named: AuditSource,
    query: AuditArgumentsQuery,
    *,
    promised: Once | None = None,
) -> Started:
    """Start an audit of an archive that is here already. Raises Problem."""
    if named.upload is not None:
        return _store_arrived(service, key, named.upload, query, promised=promised)
    path = find_source(service, named.source or "")
    new = NewAudit(
        id=new_id("aud"), name=path.name, source=path.as_uri(), arguments=query.arguments()
    )
    return _store(service, new, promised)


async def read_source(request: Request, service: Service) -> tuple[AuditSource, str]:
    """Return where the archive of a request is, and the digest of its body. Raises Problem."""
    body = await _read_small(request, service.settings.max_body_bytes)
    return _SOURCE_BODY.parse(body), hashlib.sha256(body).hexdigest()


def find_source(service: Service, source: str) -> Path:
    """Return the path of an archive that may be read where it lies. Raises Problem."""
    try:
        return resolve_source(source, service.source_roots)
    except SourceError:
        detail = "must be `file:///path` of what is there, below a root that the operator allows"
        raise failed([FieldError(code="NOT_ALLOWED", detail=detail, pointer="/source")]) from None


async def start_from_upload(
    request: Request, service: Service, key: Caller, query: AuditArgumentsQuery
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


def _store_arrived(
    service: Service, key: Caller, id_: str, query: AuditArgumentsQuery, *, promised: Once | None
) -> Started:
    """Start the audit of an upload; a second one of it is the first, if it is to be read alike."""
    try:
        upload = find(service, id_, key)
    except Problem:
        # Gone with its audit, which a word for the request may still stand for.
        with service.database.begin() as conn:
            replayed = _recall(conn, promised)
        if replayed is None:
            raise
        return replayed
    if not upload.is_whole:
        raise not_whole()
    new = NewAudit(
        id=new_id("aud"),
        name=upload.name,
        upload=upload.files,
        bytes=upload.bytes,
        arguments=query.arguments(),
    )
    try:
        return _store(service, new, promised, arrived=upload.id)
    except _UploadTakenError:
        return _same_audit(service, find(service, id_, key), new)


def _same_audit(service: Service, upload: StoredUpload, new: NewAudit) -> Started:
    """Return the audit that an upload was taken for, if it is the one that is asked for again."""
    with service.database.read() as conn:
        audit = None if upload.audit is None else audits.get(conn, upload.audit)
    if audit is None or dict(audit.arguments) != dict(new.arguments):
        raise Problem(
            Code.UPLOAD_TAKEN, "An audit was made of it, with other arguments; upload it again."
        )
    return Started(audit.id, is_replayed=True)


def _store(
    service: Service, new: NewAudit, promised: Once | None, *, arrived: str | None = None
) -> Started:
    try:
        return _store_once(service, new, promised, arrived)
    except OtherWasFirstError:
        # What the other one remembered is committed by now.
        return _store_once(service, new, promised, arrived)


def _store_once(
    service: Service, new: NewAudit, promised: Once | None, arrived: str | None
) -> Started:
    with service.database.begin() as conn:
        replayed = _recall(conn, promised)
        if replayed is not None:
            return replayed
        audits.create(conn, new)
        if arrived is not None and not uploads.take(conn, arrived, audit=new.id):
            raise _UploadTakenError
        if promised is not None:
            kept = Answer(body_sha256=promised.body_sha256, status=202, response={"id": new.id})
            if not idempotency.remember(conn, promised.request, kept):
                raise OtherWasFirstError
    _LOG.info("audit_accepted", audit=new.id)
    return Started(new.id)


def _recall(conn: Connection, promised: Once | None) -> Started | None:
    """Return the audit that the same request has made before. Raises Problem."""
    answer = None if promised is None else idempotency.recall(conn, promised.request)
    if promised is None or answer is None:
        return None
    check_same(answer, promised)
    return Started(answer.response["id"], is_replayed=True)


def _once(
    request: Request, key: Caller, query: AuditArgumentsQuery, body_sha256: str
) -> Once | None:
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
