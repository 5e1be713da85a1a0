"""What would be read from an archive, before an audit of it is started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from api.audit_queries import AuditArgumentsQuery, AuditSource
from api.audit_views import error_detail
from api.auditing import find_source, is_source, read_source
from api.callers import Caller
from api.problems import Code, FieldError, Problem
from api.resuming import whole
from api.service import Service
from api.uploads import received
from archives import ArchiveError, Mapping
from archives.preview import Days, facts, preview


async def preview_archive(
    request: Request, service: Service, key: Caller, query: AuditArgumentsQuery
) -> dict[str, Any]:
    """Return an :class:`AuditPreview` of what a request sends or names. Raises Problem."""
    if is_source(request):
        posted, _ = await read_source(request, service)
        return await preview_named(service, key, posted, query)
    async with received(request, service.files.scratch) as upload:
        path = upload.path.with_name(upload.name)
        await run_in_threadpool(upload.path.rename, path)
        return await run_in_threadpool(_look, path, query)


async def preview_named(
    service: Service, key: Caller, named: AuditSource, query: AuditArgumentsQuery
) -> dict[str, Any]:
    """Return the same of an archive that was uploaded, or lies where it may be read. Raises Problem."""
    if named.upload is not None:
        async with whole(service, named.upload, key) as path:
            return await run_in_threadpool(_look, path, query)
    path = await run_in_threadpool(find_source, service, named.source or "")
    return await run_in_threadpool(_look, path, query)


def _look(path: Path, query: AuditArgumentsQuery) -> dict[str, Any]:
    mapping = Mapping.parse(query.map, day_first=query.day_first)
    try:
        [found] = preview([path], mapping, days=Days(query.since, query.until))
    except ArchiveError as error:
        fault = FieldError(code=error.code.upper(), detail=error_detail(error.code))
    else:
        return {"name": path.name, **facts(found)}
    # Outside of the handler: the message of the error may hold names of columns.
    raise Problem(Code.ARCHIVE_UNREADABLE, fault.detail, errors=[fault])
