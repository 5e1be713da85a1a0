"""Who may do what: API keys with scopes, checked before a body is read.

Every route names its scope with :func:`needs`, or stands in :data:`PUBLIC` (a test walks them
all). Why a key was refused is never told apart: unknown, expired and revoked look the same.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from api.access import ACTIONS, Note, TheNote, peer_of
from api.callers import Caller
from api.problems import Code, Problem
from api.same_origin import check_same_origin
from api.scopes import Scope
from api.service import Service, service_of
from api.signing_in import find_session, session_token
from storage import keys
from storage.access_model import Action
from storage.errors import DatabaseUnavailableError, KeyRefusedError

PUBLIC = frozenset(
    {
        "/healthz/live",
        "/healthz/ready",
        "/fhir/metadata",
        "/openapi.json",
        "/static/{name}",
        "/sign-in",
        "/sign-in/oidc",
        "/sign-in/oidc/callback",
    }
)
"""Routes that need no key: they say nothing of any report."""
ANY_KEY = frozenset({"/", "/sign-out", "/sessions", "/sessions/{id}/end"})
"""Routes that any key opens: they show what else it opens, and sessions of the same caller."""
PROGRAMS = ("/v1", "/fhir", "/healthz", "/openapi.json", "/metrics")
"""Below these paths all is for programs: keys in headers, no cookies, problems as JSON."""

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="marrow"'}
_BEARER = HTTPBearer(auto_error=False, scheme_name="bearer", description="An API key.")
_HEADER = APIKeyHeader(
    name="X-API-Key", auto_error=False, scheme_name="header", description="An API key."
)


async def authenticate(
    *,
    request: Request,
    note: TheNote,
    service: Annotated[Service, Depends(service_of)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    header: Annotated[str | None, Security(_HEADER)],
) -> Caller:
    """Return who sends the request, or raise Problem.

    Pages are for who signed in as well, and then only for forms of our own. The API is not: no
    page of anybody can use it with the cookie of somebody.
    """
    token = bearer.credentials if bearer else header
    if token:
        key = await run_in_threadpool(_verify, service, token, note, peer_of(request.scope))
        caller = Caller.with_key(key)
        request.state.key_id = key.id
    else:
        caller = await _person(request, service)
    note.caller = caller.label
    request.state.rate_limit = service.limits.check_request(caller.label)
    return caller


CurrentKey = Annotated[Caller, Depends(authenticate)]


async def _person(request: Request, service: Service) -> Caller:
    """Return who signed in to the pages, or raise Problem."""
    if not is_page(request):
        raise Problem(
            Code.KEY_MISSING,
            "Send an API key as `Authorization: Bearer ...` or `X-API-Key: ...`.",
            headers=_CHALLENGE,
        )
    token = session_token(request)
    if token is None:
        raise Problem(Code.KEY_MISSING, "Sign in, or send an API key.", headers=_CHALLENGE)
    session = await run_in_threadpool(find_session, service, token)
    check_same_origin(request)
    return Caller.signed_in(session)


def is_page(request: Request) -> bool:
    """Say whether a route is for people: by its template, not by what the client wrote."""
    path = getattr(request.scope.get("route"), "path", "")
    return not path.startswith(PROGRAMS)


class Needs:
    """A dependency that lets a request through only with a scope."""

    def __init__(self, scope: Scope, action: Action | None = None) -> None:
        """``action``: what the access log calls it, where the scope does not say it."""
        self.scope = scope
        self.action = ACTIONS[scope] if action is None else action

    async def __call__(self, key: CurrentKey) -> None:
        """Raise Problem unless the request's key has the scope."""
        check_scope(key, self.scope)


def may(key: Caller, scope: Scope) -> bool:
    """Say whether the key has the scope."""
    return scope.value in key.scopes


def check_scope(key: Caller, scope: Scope) -> None:
    """Raise Problem unless the key has the scope."""
    if not may(key, scope):
        raise Problem(Code.SCOPE_MISSING, f"The key needs the scope `{scope.value}` for this.")


def declared_action(route: object) -> Action | None:
    """Return what a route does, as the access log calls it; ``None`` for a public one.

    What it declares itself stands behind what its router declares for all.
    """
    if not isinstance(route, APIRoute):
        return None
    calls = (dependency.call for dependency in reversed(route.dependant.dependencies))
    return next((call.action for call in calls if isinstance(call, Needs)), None)


def _verify(service: Service, token: str, note: Note, peer: str | None) -> keys.Key:
    try:
        with service.database.read() as conn:
            key = keys.verify(conn, service.pepper, token)
    except KeyRefusedError as error:
        note.action = Action.SIGN_IN
        note.caller = None if error.key_id is None else f"key:{error.key_id}"
        service.limits.count_failure(peer)
        raise Problem(
            Code.KEY_INVALID, "The key is unknown, expired or revoked.", headers=_CHALLENGE
        ) from None
    if keys.needs_touch(key):
        _touch(service, key)
    return key


def _touch(service: Service, key: keys.Key) -> None:
    try:
        with service.database.begin() as conn:
            keys.touch(conn, key.id)
    except DatabaseUnavailableError:
        pass  # A note for the administrator; no reason to turn the request away.
