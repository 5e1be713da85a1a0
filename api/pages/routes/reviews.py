"""Judge a sample, report by report: blind, each decision saved at once, the next report already there."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from api.access import Note, TheNote
from api.pages.forms import Form, read_form
from api.pages.queries import with_query
from api.pages.rendering import page
from api.pages.requests import CurrentVisitor, TheService
from api.pages.visitor import Visitor
from api.problems import FieldError
from api.reviewing import Desk, desk
from api.scopes import Scope
from api.security import CurrentKey, Needs
from api.validation import failed
from audits.review_file import Decision
from storage.access_model import Action
from storage.samples import StoredItem

SAMPLES_PATH = "/audits/{id}/review"
PATH = SAMPLES_PATH + "/{sample}"
_KEYS = {Decision.CASE: "c", Decision.NO_CASE: "n", Decision.UNCLEAR: "u"}
TITLES = {Decision.CASE: "Case", Decision.NO_CASE: "No case", Decision.UNCLEAR: "Cannot be told"}
"""What people press."""

router = APIRouter(include_in_schema=False, dependencies=[Depends(Needs(Scope.REVIEW))])


async def _desk(
    id: str,  # noqa: A002 - the name in the path
    sample: str,
    service: TheService,
    key: CurrentKey,
) -> Desk:
    return await run_in_threadpool(desk, service, id, sample, key)


TheDesk = Annotated[Desk, Depends(_desk)]
TheForm = Annotated[Form, Depends(read_form)]


def review_path(at: Desk, part: str = "") -> str:
    """Return the address of a sample's review, or of a part of it."""
    base = PATH.format(id=at.sample.audit, sample=at.sample.id)
    return f"{base}/{part}" if part else base


@router.get(PATH, dependencies=[Depends(Needs(Scope.REVIEW, Action.READ))])
async def show(
    *,
    request: Request,
    visitor: CurrentVisitor,
    at: TheDesk,
    note: TheNote,
    item: str | None = None,
    after: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """Show the report that is named, or the next one to be judged."""
    return await run_in_threadpool(_show, request, visitor, at, note, item=item, after=after)


@router.post(PATH + "/decisions")
async def decide(at: TheDesk, form: TheForm) -> Response:
    """Save a decision, and go on to the next report."""
    decision = read_decision(form)
    judged = await run_in_threadpool(at.decide, form.get("item"), decision)
    return _see(with_query(review_path(at), {"after": judged.number}))


@router.post(PATH + "/undo")
async def undo(at: TheDesk) -> Response:
    """Take back the last decision, and show its report again."""
    item = await run_in_threadpool(at.undo)
    return _see(with_query(review_path(at), {"item": item}))


@router.get(PATH + "/disagreements", dependencies=[Depends(Needs(Scope.REVIEW, Action.SEARCH))])
async def show_disagreements(
    *,
    request: Request,
    visitor: CurrentVisitor,
    at: TheDesk,
    note: TheNote,
    item: str | None = None,
) -> Response:
    """Show what two judged differently: one report, and what each said of it side by side."""
    if at.reads_text:
        note.action = Action.READ_TEXT
    return await run_in_threadpool(_show_disagreements, request, visitor, at, item)


@router.post(PATH + "/verdicts")
async def adjudicate(at: TheDesk, form: TheForm) -> Response:
    """Save what holds, and go on to the next disagreement."""
    await run_in_threadpool(at.adjudicate, form.get("item"), read_decision(form))
    return _see(review_path(at, "disagreements"))


def read_decision(form: Form) -> Decision:
    """Return the decision that was pressed. Raises Problem."""
    try:
        return Decision(form.get("decision"))
    except ValueError:
        detail = "must be `case`, `no_case` or `unclear`"
    raise failed([FieldError(code="NOT_ALLOWED", detail=detail, pointer="/decision")])


def _show(
    request: Request,
    visitor: Visitor,
    at: Desk,
    note: Note,
    *,
    item: str | None,
    after: int,
) -> Response:
    shown = at.item(item) if item else at.following(after) or at.following()
    ahead = None if shown is None else _ahead(at, shown)
    if at.reads_text and shown is not None:
        note.action = Action.READ_TEXT
        note.items = 1 if ahead is None else 2
    return page(
        request,
        "review.html.j2",
        visitor=visitor,
        at=at,
        item=shown,
        ahead=ahead,
        keys=_KEYS,
        titles=TITLES,
        base=review_path(at),
        samples_path=SAMPLES_PATH.format(id=at.sample.audit),
    )


def _ahead(at: Desk, shown: StoredItem) -> StoredItem | None:
    """Return the report that comes next, to be on the page before it is asked for."""
    following = at.following(shown.number) or at.following()
    return None if following is None or following.item == shown.item else following


def _show_disagreements(
    request: Request, visitor: Visitor, at: Desk, wanted: str | None
) -> Response:
    found = at.disagreements()
    waiting = [one for one in found if one.verdict is None]
    chosen = next((one for one in found if one.item == wanted), None) or next(iter(waiting), None)
    return page(
        request,
        "disagreements.html.j2",
        visitor=visitor,
        at=at,
        found=found,
        waiting=len(waiting),
        chosen=chosen,
        item=None if chosen is None else at.item(chosen.item),
        titles=TITLES,
        base=review_path(at),
        samples_path=SAMPLES_PATH.format(id=at.sample.audit),
    )


def _see(path: str) -> Response:
    return RedirectResponse(path, status_code=303)
