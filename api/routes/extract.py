"""Reading one report at once: nothing is stored, nothing is queued."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from api.openapi import json_request
from api.scopes import Scope
from api.security import Needs
from api.service import Service, service_of
from api.submitted import OTHER_TYPES, to_extract
from api.views import PatternsView
from extractor.model import Report, Result
from storage.access_model import Action

router = APIRouter()


@router.post(
    "/v1/extract",
    tags=["extract"],
    response_model=Result,
    dependencies=[Depends(Needs(Scope.EXTRACT))],
    openapi_extra=json_request("ExtractIn", also=OTHER_TYPES),
)
async def extract(
    posted: Annotated[Report, Depends(to_extract)],
    service: Annotated[Service, Depends(service_of)],
) -> Response:
    """Read one report and return the result; the text is not kept.

    It may be sent as JSON, as its bare words (`text/plain`), or as a DICOM structured report.
    """
    result = await service.extraction.extract(posted)
    document = await run_in_threadpool(result.to_dict)
    return JSONResponse(document)


@router.get(
    "/v1/patterns",
    tags=["patterns"],
    response_model=PatternsView,
    dependencies=[Depends(Needs(Scope.REPORTS_READ, Action.FOLLOW))],
)
async def patterns(service: Annotated[Service, Depends(service_of)]) -> Response:
    """Return the versions and the digest of what this server reads reports with."""
    engine = service.extraction.extractor.engine
    return JSONResponse(
        {
            "engine": {
                "version": engine.version,
                "patterns_version": engine.patterns_version,
                "patterns_digest": engine.patterns_digest,
            }
        }
    )
