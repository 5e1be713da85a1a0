"""Signing in through the provider of the house."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from api.access import TheNote
from api.oidc import WITHIN_S, NoRoleError, Provider
from api.pages.requests import TheService
from api.pages.routes.signing_in import end_the_one_before, welcome
from api.pages.sign_in_page import OIDC_PATH, local_path
from api.problems import Code, Problem
from api.service import Service
from api.signing_in import check_tls, cookie_name, is_tls, open_session
from storage.access_model import Action

CALLBACK_PATH = OIDC_PATH + "/callback"

router = APIRouter(include_in_schema=False)


@router.get(OIDC_PATH)
async def begin(request: Request, service: TheService) -> Response:
    """Send the browser to the provider."""
    check_tls(request)
    provider = _provider(service)
    next_path = local_path(request.query_params.get("next", "/"))
    begun = await run_in_threadpool(provider.begin, _redirect_uri(request), next_path)
    response = RedirectResponse(begun.url, status_code=303)
    response.set_cookie(
        _cookie_name(request),
        begun.kept,
        max_age=WITHIN_S,
        path="/",
        secure=is_tls(request),
        httponly=True,
        samesite="lax",
    )
    return response


@router.get(CALLBACK_PATH)
async def finish(request: Request, note: TheNote, service: TheService) -> Response:
    """Open a session for who comes back from the provider, and has a role."""
    provider = _provider(service)
    note.action = Action.SIGN_IN
    kept, answer = request.cookies.get(_cookie_name(request)), dict(request.query_params)
    try:
        person = await run_in_threadpool(provider.finish, _redirect_uri(request), kept, answer)
    except NoRoleError as error:
        note.caller = error.caller
        raise
    new = await run_in_threadpool(
        open_session, service, caller=person.caller, name=person.name, scopes=person.scopes
    )
    note.caller, note.target = person.caller, f"session:{new.session.id}"
    await end_the_one_before(request, service)
    response = welcome(request, new, local_path(person.next_path))
    response.delete_cookie(
        _cookie_name(request), path="/", secure=is_tls(request), httponly=True, samesite="lax"
    )
    return response


def _provider(service: Service) -> Provider:
    if service.oidc is None:
        raise Problem(Code.ROUTE_NOT_FOUND, "No provider is set; sign in with a key.")
    return service.oidc


def _redirect_uri(request: Request) -> str:
    # The host is one of those that we go by, see api.hosts.
    return f"{request.scope['scheme']}://{request.headers['host']}{CALLBACK_PATH}"


def _cookie_name(request: Request) -> str:
    return cookie_name(request) + "-oidc"
