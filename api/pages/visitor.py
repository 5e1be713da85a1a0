"""Who looks at a page, as far as the page has to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.scopes import Scope

if TYPE_CHECKING:
    from api.callers import Caller


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation."""

    title: str
    path: str
    about: str


_PLACES = (
    (
        Place("Try a report", "/try", "Paste one and see how it is read. Nothing is stored."),
        Scope.EXTRACT,
    ),
    (
        Place("Reports", "/reports", "What was sent to the service, with what was found in it."),
        Scope.REPORTS_READ,
    ),
    (
        Place("Audits", "/audits", "Whole archives: their cases, patients and what was not read."),
        Scope.AUDITS_READ,
    ),
    (
        Place("Operations", "/operations", "What waits, who works, what failed and is read again."),
        Scope.OPERATE,
    ),
    (
        Place("Access log", "/access-log", "Who read, exported, changed or was refused what."),
        Scope.LOG_READ,
    ),
)
"""The navigation, each with the scope that it takes."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person, or the key, that a page is made for."""

    name: str
    scopes: frozenset[str]
    is_signed_in: bool = False
    """Whether there is a session to end; a key in a header has none."""

    @classmethod
    def of(cls, caller: Caller) -> Visitor:
        """Return who asks."""
        return cls(caller.name, caller.scopes, caller.session is not None)

    def may(self, scope: str) -> bool:
        """Say whether the visitor has a scope."""
        return scope in self.scopes

    @property
    def reads_text(self) -> bool:
        """Whether the words of reports may be shown at all."""
        return self.may(Scope.TEXT_READ)

    @property
    def places(self) -> list[Place]:
        """The parts of the navigation that are open to the visitor."""
        return [place for place, scope in _PLACES if self.may(scope)]
