"""Roles: named sets of scopes, so that nobody has to know all scopes to give the right ones.

A key is made with the scopes that its role has then, and keeps these: what a key may do is not
changed by a later version. A person who signs in through OIDC has what the role has now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from api.scopes import Scope


class Role(StrEnum):
    """What somebody is to Marrow."""

    SUBMITTER = "submitter"
    """A system that posts reports, and looks up what was found in them."""
    VIEWER = "viewer"
    """Sees what was found, and no word of any report; takes nothing away."""
    REVIEWER = "reviewer"
    """Sees texts as well, to judge what was found."""
    ANALYST = "analyst"
    """Starts audits as well, and takes tables away."""
    ADMIN = "admin"
    """May do everything."""
    AUDITOR = "auditor"
    """Reads the access log and nothing else."""
    OPERATOR = "operator"
    """Sees the queue and the metrics, and has failed reports read again; nothing of any report."""


_VIEWER = frozenset({Scope.REPORTS_READ, Scope.AUDITS_READ})
_REVIEWER = _VIEWER | {Scope.TEXT_READ, Scope.EXTRACT, Scope.REVIEW}
SCOPES: Mapping[Role, frozenset[Scope]] = {
    Role.SUBMITTER: frozenset({Scope.REPORTS_WRITE, Scope.REPORTS_READ}),
    Role.VIEWER: _VIEWER,
    Role.REVIEWER: _REVIEWER,
    Role.ANALYST: _REVIEWER | {Scope.AUDITS_WRITE, Scope.EXPORT},
    Role.ADMIN: frozenset(Scope),
    Role.AUDITOR: frozenset({Scope.LOG_READ}),
    Role.OPERATOR: frozenset({Scope.OPERATE}),
}
"""What each role may do."""


def role_of(scopes: Iterable[str]) -> Role | None:
    """Return the role that has exactly these scopes."""
    wanted = frozenset(map(str, scopes))
    return next(
        (role for role, held in SCOPES.items() if frozenset(map(str, held)) == wanted), None
    )
