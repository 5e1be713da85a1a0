"""Samples of audits: drawing, judging blind, deciding between two, and what comes of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from api.access import TheNote
from api.audit_states import load
from api.audit_views import AUDITS_PATH
from api.body import JsonBody
from api.drawing import draw_sample
from api.openapi import json_request
from api.review_schemas import DECISION, SAMPLE, DecisionIn, SampleIn
from api.review_views import (
    DisagreementList,
    ItemList,
    ItemTextView,
    ItemView,
    SampleList,
    SampleView,
    ValidationView,
    disagreement_view,
    item_view,
    sample_path,
    sample_view,
)
from api.reviewing import Desk, desk, load_sample, weigh
from api.routes.audits import TheService
from api.scopes import Scope
from api.security import CurrentKey, Needs
from storage import samples
from storage.access_model import Action
from storage.samples import StoredSample

SAMPLES_PATH = AUDITS_PATH + "/{id}/samples"
_SAMPLE_PATH = SAMPLES_PATH + "/{sample}"
_ITEM_PATH = _SAMPLE_PATH + "/items/{item}"
_JUDGES = [Depends(Needs(Scope.REVIEW))]

router = APIRouter(tags=["reviews"])


async def _desk(
    id: str,  # noqa: A002 - the name in the path
    sample: str,
    service: TheService,
    key: CurrentKey,
) -> Desk:
    return await run_in_threadpool(desk, service, id, sample, key)


TheDesk = Annotated[Desk, Depends(_desk)]
PostedDecision = Annotated[DecisionIn, Depends(JsonBody(DECISION))]
Width = Annotated[
    float, Query(ge=0.01, le=0.5, description="Wished width of the interval of the PPV.")
]


@router.post(
    SAMPLES_PATH,
    status_code=201,
    response_model=SampleView,
    dependencies=[Depends(Needs(Scope.AUDITS_WRITE, Action.CHANGE))],
    openapi_extra=json_request("SampleIn"),
)
async def post_sample(
    id: str,  # noqa: A002 - the name in the path
    service: TheService,
    key: CurrentKey,
    asked: Annotated[SampleIn, Depends(JsonBody(SAMPLE))],
) -> Response:
    """Draw reports of a finished audit to be judged: seeded, from three strata, in random order."""
    audit = await run_in_threadpool(load, service, id)
    stored = await draw_sample(service, audit, asked, key)
    headers = {"Location": sample_path(stored)}
    return JSONResponse(sample_view(stored), status_code=201, headers=headers)


@router.get(
    SAMPLES_PATH, response_model=SampleList, dependencies=[Depends(Needs(Scope.AUDITS_READ))]
)
async def list_samples(
    id: str,  # noqa: A002 - the name in the path
    service: TheService,
) -> Response:
    """List the samples of an audit, newest first, with how far their reviewers are."""

    def find() -> list[StoredSample]:
        load(service, id)
        with service.database.read() as conn:
            return samples.list_all(conn, id)

    found = await run_in_threadpool(find)
    return JSONResponse({"samples": [sample_view(one) for one in found]})


@router.get(
    _SAMPLE_PATH, response_model=SampleView, dependencies=[Depends(Needs(Scope.AUDITS_READ))]
)
async def get_sample(
    id: str,  # noqa: A002 - the name in the path
    sample: str,
    service: TheService,
) -> Response:
    """Return one sample, with how far its reviewers are."""
    return JSONResponse(sample_view(await run_in_threadpool(load_sample, service, id, sample)))


@router.delete(
    _SAMPLE_PATH,
    status_code=204,
    response_class=Response,
    dependencies=[Depends(Needs(Scope.AUDITS_DELETE))],
)
async def delete_sample(
    id: str,  # noqa: A002 - the name in the path
    sample: str,
    service: TheService,
) -> Response:
    """Delete a sample with all that was said of it."""

    def delete() -> None:
        stored = load_sample(service, id, sample)
        with service.database.begin() as conn:
            samples.delete(conn, stored.id)

    await run_in_threadpool(delete)
    return Response(status_code=204)


@router.get(
    _SAMPLE_PATH + "/items",
    response_model=ItemList,
    dependencies=[Depends(Needs(Scope.REVIEW, Action.SEARCH))],
)
async def list_items(at: TheDesk) -> Response:
    """List all reports of a sample with your own decisions, and nobody else's."""
    found = await run_in_threadpool(at.items)
    return JSONResponse({"items": [item_view(one) for one in found]})


@router.get(
    _ITEM_PATH,
    response_model=ItemTextView,
    dependencies=[Depends(Needs(Scope.REVIEW, Action.READ))],
)
async def get_item(item: str, at: TheDesk, note: TheNote) -> Response:
    """Return one report to be judged: its words with `text:read`, never what was found in it."""
    if at.reads_text:
        note.action = Action.READ_TEXT
    found = await run_in_threadpool(at.item, item)
    return JSONResponse(item_view(found) | {"text": found.text})


@router.put(
    _ITEM_PATH + "/decision",
    response_model=ItemView,
    dependencies=_JUDGES,
    openapi_extra=json_request("DecisionIn"),
)
async def put_decision(item: str, at: TheDesk, posted: PostedDecision) -> Response:
    """Say what a report is, in the place of what you said before. The first two who do are its reviewers."""
    found = await run_in_threadpool(at.decide, item, posted.decision)
    return JSONResponse(item_view(found))


@router.delete(
    _ITEM_PATH + "/decision", status_code=204, response_class=Response, dependencies=_JUDGES
)
async def delete_decision(item: str, at: TheDesk) -> Response:
    """Take back what you said of a report. Twice is fine."""
    await run_in_threadpool(at.take_back, item)
    return Response(status_code=204)


@router.get(
    _SAMPLE_PATH + "/disagreements",
    response_model=DisagreementList,
    dependencies=[Depends(Needs(Scope.REVIEW, Action.SEARCH))],
)
async def list_disagreements(at: TheDesk) -> Response:
    """List what two reviewers judged differently, with what was decided between them."""
    found = await run_in_threadpool(at.disagreements)
    return JSONResponse({"disagreements": [disagreement_view(one) for one in found]})


@router.put(
    _ITEM_PATH + "/verdict",
    status_code=204,
    response_class=Response,
    dependencies=_JUDGES,
    openapi_extra=json_request("DecisionIn"),
)
async def put_verdict(item: str, at: TheDesk, posted: PostedDecision) -> Response:
    """Decide between two reviewers who disagree on a report."""
    await run_in_threadpool(at.adjudicate, item, posted.decision)
    return Response(status_code=204)


@router.get(
    _SAMPLE_PATH + "/validation",
    response_model=ValidationView,
    dependencies=[Depends(Needs(Scope.AUDITS_READ))],
)
async def get_validation(
    id: str,  # noqa: A002 - the name in the path
    sample: str,
    service: TheService,
    width: Width = 0.1,
) -> Response:
    """Say how good the search was: predictive value, missed cases, agreement, how many more to review."""

    def find() -> dict[str, object]:
        from audits.validation import as_json  # noqa: PLC0415 (polars: only who asks for it)

        return as_json(weigh(service, load_sample(service, id, sample), width=width))

    return JSONResponse(await run_in_threadpool(find))
