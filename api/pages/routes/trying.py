"""Paste a report and see it read. Nothing of it is stored, so the answer comes to the post itself."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.pages.forms import Form, read_form
from api.pages.reading import definition_of, make_reading
from api.pages.rendering import page
from api.pages.requests import CurrentVisitor, TheService
from api.pages.visitor import Visitor
from api.problems import FieldError
from api.schemas import EXTRACT, FIELDS
from api.scopes import Scope
from api.security import Needs
from api.validation import body_errors

PATH = "/try"
_FIELDS = {
    "/text": ("text", "Report text"),
    "/patient/age_years": ("age_years", "Age in years"),
    "/patient/sex": ("sex", "Sex"),
    "/study/modality": ("modality", "Modality"),
    "/study/description": ("description", "Study description"),
}
"""Where the schema names a fault, and the field of the form that it is in."""
_EMPTY = dict.fromkeys((name for name, _ in _FIELDS.values()), "")

router = APIRouter(include_in_schema=False, dependencies=[Depends(Needs(Scope.EXTRACT))])


@router.get(PATH)
async def ask(request: Request, visitor: CurrentVisitor) -> Response:
    """Show the form."""
    return _page(request, visitor, _EMPTY)


@router.post(PATH)
async def read(
    request: Request,
    visitor: CurrentVisitor,
    service: TheService,
    form: Annotated[Form, Depends(read_form)],
) -> Response:
    """Read what was pasted, and show it below the form."""
    posted = {name: form.get(name).strip() for name in _EMPTY} | {"text": form.text("text")}
    try:
        asked = EXTRACT.validate_python(_body(posted))
    except ValidationError as error:
        faults = body_errors(error.errors(include_url=False, include_input=False), FIELDS)
        return _page(request, visitor, posted, errors=faults)
    result = await service.extraction.extract(asked.to_report())
    # Who pasted the text has it: the scope for stored texts is none of this page's business.
    definition = definition_of(service)
    reading = await run_in_threadpool(make_reading, result, posted["text"], definition)
    return _page(request, visitor, posted, reading=reading)


def _page(
    request: Request,
    visitor: Visitor,
    posted: dict[str, str],
    *,
    errors: list[FieldError] | None = None,
    **values: Any,
) -> Response:
    faults = [
        (*_FIELDS.get(one.pointer or "", ("text", "Report text")), one.detail)
        for one in errors or ()
    ]
    return page(
        request,
        "try.html.j2",
        visitor=visitor,
        status=422 if faults else 200,
        posted=posted,
        faults=faults,
        **{"reading": None} | values,
    )


def _body(posted: dict[str, str]) -> dict[str, Any]:
    """Return the form as the body of ``POST /v1/extract``; an empty field says nothing."""
    age = posted["age_years"]
    return {
        "text": posted["text"],
        "patient": {
            # What is no number goes to the schema as it is, which says what is wrong with it.
            "age_years": int(age[:9]) if age.isascii() and age.isdigit() else age or None,
            "sex": posted["sex"] or None,
        },
        "study": {
            "modality": posted["modality"].upper() or None,
            "description": posted["description"] or None,
        },
    }
