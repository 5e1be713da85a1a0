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
from api.problems import Code, Problem
from api.scopes import Scope
from api.service import Service, service_of
from storage import keys
from storage.access_model import Action
from storage.errors import DatabaseUnavailableError, KeyRefusedError

PUBLIC = frozenset({"/healthz/live", "/healthz/ready", "/openapi.json", "/static/{name}"})
"""Routes that need no key: they say nothing of any report."""
ANY_KEY = frozenset({"/"})
"""Routes that any key opens: they show what else it opens."""

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
) -> keys.Key:
    """Return the key of the request, or raise Problem."""
    token = bearer.credentials if bearer else header
    if not token:
        raise Problem(
            Code.KEY_MISSING,
            "Send an API key as `Authorization: Bearer ...` or `X-API-Key: ...`.",
            headers=_CHALLENGE,
        )
    key = await run_in_threadpool(_verify, service, token, note, peer_of(request.scope))
    note.caller = f"key:{key.id}"
    request.state.key_id = key.id
    request.state.rate_limit = service.limits.check_request(note.caller)
    return key


CurrentKey = Annotated[keys.Key, Depends(authenticate)]


class Needs:
    """A dependency that lets a request through only with a scope."""

    def __init__(self, scope: Scope, action: Action | None = None) -> None:
        """``action``: what the access log calls it, where the scope does not say it."""
        self.scope = scope
        self.action = ACTIONS[scope] if action is None else action

    async def __call__(self, key: CurrentKey) -> None:
        """Raise Problem unless the request's key has the scope."""
        check_scope(key, self.scope)


def may(key: keys.Key, scope: Scope) -> bool:
    """Say whether the key has the scope."""
    return scope.value in key.scopes


def check_scope(key: keys.Key, scope: Scope) -> None:
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
