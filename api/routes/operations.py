"""How the work goes, for operators and for Prometheus; and failed reports read again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response

from api.body import JsonBody
from api.metrics import MEDIA_TYPE, scrape
from api.openapi import json_request
from api.operation_views import (
    OPERATIONS_PATH,
    REQUEUE,
    OperationsView,
    RequeueBody,
    Requeued,
    operations_view,
)
from api.problems import Problem
from api.scopes import Scope
from api.security import Needs
from api.service import Service, service_of
from storage import operations
from storage.access_model import Action
from storage.model import Lane
from storage.operations import Operations

router = APIRouter(tags=["operations"])
TheService = Annotated[Service, Depends(service_of)]
_OPERATES = [Depends(Needs(Scope.OPERATE))]


@router.get(OPERATIONS_PATH, response_model=OperationsView, dependencies=_OPERATES)
async def get_operations(service: TheService) -> Response:
    """Tell what waits and for how long, which processes work, and what failed."""
    return JSONResponse(operations_view(await run_in_threadpool(look, service)))


@router.post(
    OPERATIONS_PATH + "/requeue",
    response_model=Requeued,
    dependencies=[Depends(Needs(Scope.OPERATE, Action.CHANGE))],
    openapi_extra=json_request("RequeueBody"),
)
async def post_requeue(
    service: TheService, asked: Annotated[RequeueBody, Depends(JsonBody(REQUEUE))]
) -> Response:
    """Have failed reports read again: all of them, those of an error code, or one.

    They take the bulk lane. What failed for a reason that still holds fails again.
    """
    number = await requeue(service, error_code=asked.error_code, report=asked.report)
    return JSONResponse({"reports": number})


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    dependencies=_OPERATES,
)
async def get_metrics(service: TheService) -> Response:
    """Return the metrics of the queue, and of the process that answers, for Prometheus."""
    seen = await run_in_threadpool(look, service)
    text = scrape(service.http_metrics, seen, patterns_version=_patterns_version(service))
    return Response(text, media_type=MEDIA_TYPE)


def look(service: Service) -> Operations:
    """Return how the work goes."""
    with service.database.read() as conn:
        return operations.look(conn)


async def requeue(
    service: Service, *, error_code: str | None = None, report: str | None = None
) -> int:
    """Queue failed reports again, and tell the workers; return how many."""

    def queue() -> tuple[int, list[int]]:
        with service.database.begin() as conn:
            return operations.requeue(conn, error_code=error_code, report=report)

    number, units = await run_in_threadpool(queue)
    service.ring_soon(units, Lane.BULK)
    return number


def _patterns_version(service: Service) -> str | None:
    try:
        return service.extraction.extractor.engine.patterns_version
    except Problem:  # they are being loaded
        return None
