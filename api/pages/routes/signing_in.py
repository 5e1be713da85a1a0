"""Signing in with a key, signing out, and the sessions that are open."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from api.access import TheNote, peer_of
from api.pages.forms import Form, read_form
from api.pages.rendering import page
from api.pages.requests import CurrentVisitor, TheService
from api.pages.sign_in_page import PATH, local_path, sign_in_page
from api.problems import Code, Problem
from api.same_origin import check_same_origin
from api.scopes import Scope
from api.security import CurrentKey
from api.signing_in import (
    check_tls,
    delete_cookie,
    end_session,
    find_session,
    session_token,
    set_cookie,
    sign_in_with,
    times_of,
)
from storage import sessions
from storage.access_model import Action
from storage.errors import KeyRefusedError
from storage.sessions import NewSession

SESSIONS_PATH = "/sessions"

router = APIRouter(include_in_schema=False)


async def may_sign_in(request: Request, note: TheNote, service: TheService) -> None:
    """Raise Problem where nobody may sign in, before the form is read (a dependency)."""
    note.action = Action.SIGN_IN
    check_same_origin(request)
    check_tls(request)
    service.limits.check_failures(peer_of(request.scope))


@router.get(PATH)
async def ask(request: Request) -> Response:
    """Show the form."""
    return sign_in_page(request, next_path=request.query_params.get("next", "/"))


@router.post(PATH, dependencies=[Depends(may_sign_in)])
async def sign_in(
    request: Request,
    note: TheNote,
    service: TheService,
    form: Annotated[Form, Depends(read_form)],
) -> Response:
    """Open a session for who has a key, and go where he wanted to."""
    next_path = local_path(form.get("next"))
    try:
        new = await run_in_threadpool(sign_in_with, service, form.get("key").strip())
    except KeyRefusedError as error:
        note.caller = None if error.key_id is None else f"key:{error.key_id}"
        service.limits.count_failure(peer_of(request.scope))
        request.state.problem_code = Code.KEY_INVALID.value
        fault = "The key is unknown, expired or revoked."
        return sign_in_page(request, next_path=next_path, fault=fault)
    note.caller, note.target = new.session.caller, f"session:{new.session.id}"
    await end_the_one_before(request, service)
    return welcome(request, new, next_path)


def welcome(request: Request, new: NewSession, next_path: str) -> Response:
    """Return the answer to who has just signed in."""
    response = RedirectResponse(next_path, status_code=303)
    set_cookie(request, response, new)
    return response


@router.post("/sign-out")
async def sign_out(
    request: Request, caller: CurrentKey, note: TheNote, service: TheService
) -> Response:
    """End the session; a key in a header has none."""
    note.action = Action.SIGN_OUT
    if caller.session is not None:
        note.target = f"session:{caller.session}"
        await run_in_threadpool(end_session, service, caller.session)
    response = RedirectResponse(PATH, status_code=303)
    delete_cookie(request, response)
    return response


@router.get(SESSIONS_PATH)
async def list_sessions(
    request: Request, visitor: CurrentVisitor, caller: CurrentKey, service: TheService
) -> Response:
    """Show the sessions of whoever asks; those of all to who looks after the keys."""

    def find() -> list[sessions.Session]:
        only = None if visitor.may(Scope.KEYS_ADMIN) else caller.label
        with service.database.read() as conn:
            return sessions.list_open(conn, times_of(service.settings), caller=only)

    found = await run_in_threadpool(find)
    return page(
        request, "sessions.html.j2", visitor=visitor, sessions=found, current=caller.session
    )


@router.post(SESSIONS_PATH + "/{id}/end")
async def end(
    *,
    id: str,  # noqa: A002 - the name in the path
    visitor: CurrentVisitor,
    caller: CurrentKey,
    note: TheNote,
    service: TheService,
) -> Response:
    """End one session."""
    note.action = Action.SIGN_OUT if id == caller.session else Action.ADMINISTER
    only = None if visitor.may(Scope.KEYS_ADMIN) else caller.label
    if not await run_in_threadpool(end_session, service, id, caller=only):
        raise Problem(Code.SESSION_NOT_FOUND, "It is over already, or somebody else's.")
    note.target = f"session:{id}"
    return RedirectResponse(SESSIONS_PATH, status_code=303)


async def end_the_one_before(request: Request, service: TheService) -> None:
    """End the session that the browser had: who signs in anew leaves none behind."""
    token = session_token(request)
    if token is None:
        return
    try:
        before = await run_in_threadpool(find_session, service, token)
    except Problem:
        return
    await run_in_threadpool(end_session, service, before.id)
