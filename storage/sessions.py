"""Sessions of people who signed in to the pages: rows, so that each can be seen and ended.

The browser holds a random token (256 bits), the database its HMAC. A session is over when nothing
came for a while, at its end whatever comes, when it is ended, and when the key that it was opened
with is revoked or expires.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, insert, or_, select, update

from storage.clock import now
from storage.errors import SessionOverError
from storage.tables import keys, sessions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.engine import Connection

    from storage.rows import AnyRow

TOUCH_AFTER = timedelta(minutes=1)
"""How coarse ``last_used_at`` is, and with it the end by idleness."""
_KEPT_S = 7 * 24 * 3_600
"""Sessions that are over are listed no more, and deleted after this time."""
_ID_BYTES, _TOKEN_BYTES = 6, 32


@dataclass(frozen=True, slots=True)
class Times:
    """How long sessions last."""

    idle_s: float
    """Without a request."""
    whole_s: float
    """With whatever requests."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in."""

    id: str
    caller: str
    """As the access log calls him: ``key:4f9Kq2Lz``, ``oidc:anna``."""
    name: str
    scopes: frozenset[str]
    key: str | None
    """The key that he signed in with."""
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime

    @property
    def needs_touch(self) -> bool:
        """Whether its last use is worth writing down again."""
        return datetime.now(UTC) - self.last_used_at > TOUCH_AFTER


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that was just opened, with the token that is never shown again."""

    session: Session
    token: str

    def __repr__(self) -> str:
        return f"NewSession(session={self.session!r}, token=...)"


def create(
    conn: Connection,
    pepper: bytes,
    *,
    caller: str,
    name: str,
    scopes: Iterable[str],
    times: Times,
    key: str | None = None,
) -> NewSession:
    """Open a session, and forget those that were over long ago."""
    conn.execute(delete(sessions).where(sessions.c.expires_at < now(offset_s=-_KEPT_S)))
    id_, token = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_TOKEN_BYTES)
    row = conn.execute(
        insert(sessions)
        .values(
            id=id_,
            token_hmac=_digest(pepper, token),
            caller=caller,
            name=name,
            scopes=" ".join(sorted(scopes)),
            key=key,
            created_at=now(),
            last_used_at=now(),
            expires_at=now(offset_s=times.whole_s),
        )
        .returning(sessions)
    ).one()
    return NewSession(_session(row, row.scopes), token)


def verify(conn: Connection, pepper: bytes, token: str, times: Times) -> Session:
    """Return the session of a token. Raises SessionOverError."""
    wanted = sessions.c.token_hmac == _digest(pepper, token)
    row = conn.execute(_open(times).where(wanted)).one_or_none()
    if row is None:
        raise SessionOverError
    return _session(row, _scopes(row))


def list_open(conn: Connection, times: Times, *, caller: str | None = None) -> list[Session]:
    """Return the sessions that are open, oldest first; ``caller``: only his."""
    query = _open(times).order_by(sessions.c.created_at, sessions.c.id)
    if caller is not None:
        query = query.where(sessions.c.caller == caller)
    return [_session(row, _scopes(row)) for row in conn.execute(query)]


def touch(conn: Connection, id_: str) -> None:
    """Write down that a session was used."""
    conn.execute(update(sessions).where(sessions.c.id == id_).values(last_used_at=now()))


def end(conn: Connection, id_: str, *, caller: str | None = None) -> bool:
    """End a session; ``False`` where there is none, or it is ended. ``caller``: only his."""
    query = update(sessions).where(sessions.c.id == id_, sessions.c.ended_at.is_(None))
    if caller is not None:
        query = query.where(sessions.c.caller == caller)
    return conn.execute(query.values(ended_at=now())).rowcount == 1


def delete_all(conn: Connection) -> None:
    """Delete all sessions: after a restore one could be open again that was ended since."""
    conn.execute(delete(sessions))


def _open(times: Times) -> Select[AnyRow]:
    """Select sessions that are not over, with the scopes that they have now."""
    joined = sessions.outerjoin(keys, sessions.c.key == keys.c.id)
    query = select(sessions, keys.c.scopes.label("key_scopes")).select_from(joined)
    return query.where(
        sessions.c.ended_at.is_(None),
        sessions.c.expires_at > now(),
        sessions.c.last_used_at > now(offset_s=-times.idle_s),
        or_(sessions.c.key.is_(None), _key_opens()),
    )


def _key_opens() -> ColumnElement[bool]:
    is_in_time = or_(keys.c.expires_at.is_(None), keys.c.expires_at > now())
    return and_(keys.c.revoked_at.is_(None), is_in_time)


def _digest(pepper: bytes, token: str) -> str:
    # Another word in front than a key's secret has: no digest of one is one of the other.
    return hmac.new(pepper, b"session:" + token.encode(), hashlib.sha256).hexdigest()


def _scopes(row: AnyRow) -> str:
    scopes: str = row.scopes if row.key is None else row.key_scopes
    return scopes


def _session(row: AnyRow, scopes: str) -> Session:
    return Session(
        id=row.id,
        caller=row.caller,
        name=row.name,
        scopes=frozenset(scopes.split()),
        key=row.key,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
    )
