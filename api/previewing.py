"""What would be read from an archive, before an audit of it is started."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from api.audit_queries import AuditArgumentsQuery
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
    """Return an :class:`AuditPreview` as JSON-ready values. Raises Problem."""
    async with _archive(request, service, key) as path:
        return await run_in_threadpool(_look, path, query)


@asynccontextmanager
async def _archive(request: Request, service: Service, key: Caller) -> AsyncIterator[Path]:
    """Give the archive of a request under its own name, for as long as it is looked at."""
    if not is_source(request):
        async with received(request, service.files.scratch) as upload:
            path = upload.path.with_name(upload.name)
            yield await run_in_threadpool(upload.path.rename, path)
        return
    posted, _ = await read_source(request, service)
    if posted.upload is None:
        yield await run_in_threadpool(find_source, service, posted.source or "")
        return
    async with whole(service, posted.upload, key) as path:
        yield path


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
