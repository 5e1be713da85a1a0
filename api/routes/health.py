"""Whether the process lives, and whether it can do its work. Public: nothing of any report."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import JSONResponse, Response

from api.problems import Code, Problem
from api.service import Service, service_of
from api.views import Health, Readiness, sums_view
from storage import sums
from storage.errors import DatabaseOutdatedError

router = APIRouter(tags=["health"])


@router.get("/healthz/live", response_model=Health)
async def live() -> Response:
    """Say that the process answers."""
    return JSONResponse({"status": "ok"})


@router.get("/healthz/ready", response_model=Readiness)
def ready(service: Annotated[Service, Depends(service_of)]) -> Response:
    """Say that reports are accepted and read: database up to date, patterns loaded.

    Redis is not asked: without it reports are accepted all the same, and only wait longer. A sum of
    reports that is not balanced is an alarm, not a reason to refuse reports.
    """
    try:
        service.database.check_current()
    except DatabaseOutdatedError:
        raise Problem(
            Code.NOT_READY, "The database has to be upgraded: run `marrow db upgrade`."
        ) from None
    _ = service.extraction.extractor
    with service.database.read() as conn:
        counted = sums.last(conn)
    reports = None if counted is None else sums_view(counted)
    return JSONResponse({"status": "ok", "reports": reports})
