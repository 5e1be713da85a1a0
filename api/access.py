"""What a request leaves in the access log: made from its route and its answer, at the edge.

Nothing that a client chose comes in: the route is a template, a target has the form of our own
ids, an address is one. Routes that are public, and addresses where nothing is, leave no entry.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.types import Scope as AsgiScope

from api.scopes import Scope
from storage.access_model import Action, Entry, Outcome

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""A method is a word of the client's as well: others are not logged."""
ACTIONS = {
    Scope.REPORTS_WRITE: Action.SUBMIT,
    Scope.REPORTS_READ: Action.READ,
    Scope.REPORTS_DELETE: Action.DELETE,
    Scope.TEXT_READ: Action.READ_TEXT,
    Scope.EXTRACT: Action.EXTRACT,
    Scope.AUDITS_WRITE: Action.SUBMIT,
    Scope.AUDITS_READ: Action.FOLLOW,
    Scope.AUDITS_DELETE: Action.DELETE,
    Scope.REVIEW: Action.CHANGE,
    Scope.EXPORT: Action.EXPORT,
    Scope.KEYS_ADMIN: Action.ADMINISTER,
    Scope.OPERATE: Action.FOLLOW,
    Scope.LOG_READ: Action.READ_LOG,
}
"""What a route with this scope is about, unless it says something else."""
_OUR_ID = re.compile(r"(rep|aud|upl)_[0-9a-hjkmnp-tv-z]{26}")
_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}


class NotLoggedError(Exception):
    """An entry could not be written, so what it tells of must not happen.

    No StorageError: it is raised where an answer begins, past the handlers of those.
    """


@dataclass(slots=True)
class Note:
    """What a route tells of itself, beyond what its declaration does."""

    caller: str | None = None
    action: Action | None = None
    target: str | None = None
    items: int | None = None


def note_of(request: Request) -> Note:
    """Return the note of a request (a dependency)."""
    return _note_in(request.scope)


TheNote = Annotated[Note, Depends(note_of)]


def entry_of(scope: AsgiScope, status: int, action: Action | None) -> Entry | None:
    """Return the entry of a request whose answer begins; ``None`` where there is to be none.

    ``action``: what its route declares, ``None`` where it declares nothing.
    """
    note, state = _note_in(scope), scope["state"]
    action = note.action or action
    if action is None:
        return None
    return Entry(
        action=action,
        outcome=_outcome(status),
        caller=note.caller,
        peer=peer_of(scope),
        method=scope["method"] if scope["method"] in METHODS else None,
        route=getattr(scope.get("route"), "path", None),
        target=note.target or _target(scope),
        items=note.items,
        status=status,
        code=state.get("problem_code"),
        request=state.get("request_id"),
    )


def _note_in(scope: AsgiScope) -> Note:
    note = scope.setdefault("state", {}).setdefault("access_note", Note())
    assert isinstance(note, Note)  # noqa: S101 - nobody else puts something there
    return note


def _outcome(status: int) -> Outcome:
    if status < HTTPStatus.BAD_REQUEST:
        return Outcome.DONE
    return Outcome.REFUSED if status in _REFUSED else Outcome.FAILED


def _target(scope: AsgiScope) -> str | None:
    id_: Any = scope.get("path_params", {}).get("id")
    return id_ if isinstance(id_, str) and _OUR_ID.fullmatch(id_) else None


def peer_of(scope: AsgiScope) -> str | None:
    """Return the network address that a request came from."""
    # A proxy that is trusted may pass on what a client wrote into X-Forwarded-For.
    client = scope.get("client")
    try:
        return None if client is None else str(ipaddress.ip_address(client[0]))
    except ValueError:
        return None
