"""The samples of an audit: drawing one, how far their reviews are, and what they say of the search."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from api.audit_states import load
from api.callers import Caller
from api.drawing import draw_sample
from api.pages.forms import Form, read_form
from api.pages.queries import read_query
from api.pages.rendering import page
from api.pages.requests import CurrentVisitor, TheService
from api.pages.routes.reviews import PATH, SAMPLES_PATH, TITLES, review_path
from api.pages.visitor import Visitor
from api.problems import FieldError
from api.review_schemas import SAMPLE
from api.review_views import sample_path
from api.reviewing import Desk, desk, weigh
from api.scopes import Scope
from api.security import CurrentKey, Needs
from api.service import Service
from api.validation import body_errors
from audits.review_file import Decision
from storage import samples
from storage.access_model import Action

_NUMBERS = {
    "cases": "Reports tagged as cases",
    "named": "Reports that speak of a finding and are no case",
    "rest": "Other reports",
    "seed": "Seed",
}
_FIRST = {"cases": "100", "named": "100", "rest": "100", "seed": "1", "texts": "true"}

router = APIRouter(include_in_schema=False, dependencies=[Depends(Needs(Scope.AUDITS_READ))])


class WidthQuery(BaseModel):
    """The width that the interval of the predictive value is wished to have."""

    width: float = Field(default=0.1, ge=0.01, le=0.5)


@router.get(SAMPLES_PATH)
async def show_samples(
    *,
    id: str,  # noqa: A002 - the name in the path
    request: Request,
    visitor: CurrentVisitor,
    service: TheService,
    key: CurrentKey,
) -> Response:
    """List the samples of an audit, with the form to draw another."""
    return await run_in_threadpool(_page, request, visitor, service, id, key=key, posted=_FIRST)


@router.post(SAMPLES_PATH, dependencies=[Depends(Needs(Scope.AUDITS_WRITE, Action.CHANGE))])
async def draw(
    *,
    id: str,  # noqa: A002 - the name in the path
    request: Request,
    visitor: CurrentVisitor,
    service: TheService,
    key: CurrentKey,
    form: Annotated[Form, Depends(read_form)],
) -> Response:
    """Draw a sample, and show it among the others."""
    posted = {name: form.get(name).strip() for name in _FIRST}
    try:
        asked = SAMPLE.validate_python(_body(posted))
    except ValidationError as error:
        faults = body_errors(
            error.errors(include_url=False, include_input=False), frozenset(_FIRST)
        )
        return await run_in_threadpool(
            _page, request, visitor, service, id, key=key, posted=posted, errors=faults
        )
    audit = await run_in_threadpool(load, service, id)
    await draw_sample(service, audit, asked, key)
    return RedirectResponse(SAMPLES_PATH.format(id=audit.id), status_code=303)


@router.get(PATH + "/validation")
async def show_validation(
    *,
    id: str,  # noqa: A002 - the name in the path
    sample: str,
    request: Request,
    visitor: CurrentVisitor,
    service: TheService,
    key: CurrentKey,
) -> Response:
    """Say how good the search was, as far as the review has come."""
    query = read_query(request, WidthQuery)

    def show() -> Response:
        at = desk(service, id, sample, key)
        return _validation(request, visitor, at, width=query.width)

    return await run_in_threadpool(show)


def _page(
    request: Request,
    visitor: Visitor,
    service: Service,
    id_: str,
    *,
    key: Caller,
    posted: dict[str, str],
    errors: list[FieldError] | None = None,
) -> Response:
    audit = load(service, id_)
    with service.database.read() as conn:
        found = samples.list_all(conn, audit.id)
    faults = [
        (name, _NUMBERS.get(name, "The form"), one.detail)
        for one in errors or ()
        for name in [(one.pointer or "").removeprefix("/")]
    ]
    return page(
        request,
        "samples.html.j2",
        visitor=visitor,
        status=422 if faults else 200,
        audit=audit,
        desks=[Desk(service, one, key) for one in found],
        review_path=review_path,
        fields=_NUMBERS,
        posted=posted,
        faults=faults,
        base=SAMPLES_PATH.format(id=audit.id),
    )


def _validation(request: Request, visitor: Visitor, at: Desk, *, width: float) -> Response:
    from audits.validation import sentences  # noqa: PLC0415 (polars: only who asks for it)

    found = weigh(at.service, at.sample, width=width)
    return page(
        request,
        "validation.html.j2",
        visitor=visitor,
        at=at,
        found=found,
        sentences=sentences(found),
        width=width,
        decisions=tuple(Decision),
        titles=TITLES,
        base=review_path(at),
        samples_path=SAMPLES_PATH.format(id=at.sample.audit),
        json_path=f"{sample_path(at.sample)}/validation?width={width:g}",
    )


def _body(posted: dict[str, str]) -> dict[str, Any]:
    """Return the form as the body of ``POST /v1/audits/{id}/samples``."""
    numbers = {
        # What is no number goes to the schema as it is, which says what is wrong with it.
        name: int(posted[name][:12])
        if posted[name].isascii() and posted[name].isdigit()
        else posted[name]
        for name in _NUMBERS
    }
    return numbers | {"texts": posted["texts"] == "true"}
