"""Who a request comes from: a key, or a person who signed in to the pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.keys import Key
    from storage.sessions import Session


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may do something."""

    id: str
    """The key's id; of who signed in without a key, the label. What he started is his by it."""
    label: str
    """As the access log calls him: ``key:4f9Kq2Lz``, ``oidc:anna``."""
    name: str
    """As pages call him."""
    scopes: frozenset[str]
    session: str | None = None
    """The id of his session, where he signed in."""

    @classmethod
    def with_key(cls, key: Key) -> Caller:
        """Return who sends a key along."""
        return cls(key.id, f"key:{key.id}", key.name, key.scopes)

    @classmethod
    def signed_in(cls, session: Session) -> Caller:
        """Return who has a session."""
        id_ = session.caller if session.key is None else session.key
        return cls(id_, session.caller, session.name, session.scopes, session.id)
