"""API keys: ``marrow_<id>_<secret><checksum>``.

Shown once, when made. What is kept is an HMAC of the secret under a pepper that lies in a file
beside the database, so that a stolen database opens nothing. The secrets are random (256 bits):
a slow hash would add nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
import string
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, or_, select, update

from storage.clock import now
from storage.errors import KeyExpiredError, KeyRevokedError, KeyUnknownError, PepperError
from storage.tables import keys

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from storage.rows import AnyRow

_ALPHABET = string.digits + string.ascii_letters
_ID_CHARS, _SECRET_CHARS, _CHECKSUM_CHARS = 8, 43, 6
_FORM = re.compile(r"marrow_([0-9A-Za-z]{8})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})")
_SCOPE = re.compile(r"[a-z]+(:[a-z]+)?")
TOUCH_AFTER = timedelta(minutes=5)
"""How coarse ``last_used_at`` is: a write for every request would cost more than it tells."""
_MIN_PEPPER_BYTES = 16


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is listed: without its secret."""

    id: str
    name: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made, with the token that is never shown again."""

    key: Key
    token: str

    def __repr__(self) -> str:
        return f"NewKey(key={self.key!r}, token=...)"


def load_pepper(path: Path, *, create: bool = False) -> bytes:
    """Read the pepper, or make it where ``create`` and there is none (mode 0600).

    Raises PepperError where it is missing, too short, or open to others.
    """
    if create and not path.exists():
        _make_pepper(path)
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            pepper = file.read().strip()
    except OSError:
        raise PepperError(f"cannot read the key pepper {path}") from None
    if mode & 0o007:
        raise PepperError(f"{path} is open to everybody; run: chmod o= {path}")
    if len(pepper) < _MIN_PEPPER_BYTES:
        raise PepperError(
            f"{path} is too short for a key pepper: {_MIN_PEPPER_BYTES} bytes at least"
        )
    return pepper


def create(
    conn: Connection,
    pepper: bytes,
    *,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
) -> NewKey:
    """Make a key. Raises ValueError for a scope that is not of the form ``noun:verb``."""
    wanted = frozenset(scopes)
    for scope in wanted:
        if not _SCOPE.fullmatch(scope):
            raise ValueError(f"not a scope: {scope!r}")
    id_, secret = _random(_ID_CHARS), _random(_SECRET_CHARS)
    row = conn.execute(
        insert(keys)
        .values(
            id=id_,
            name=name,
            scopes=" ".join(sorted(wanted)),
            secret_hmac=_digest(pepper, secret),
            created_at=now(),
            expires_at=expires_at,
        )
        .returning(keys)
    ).one()
    return NewKey(key=_key(row), token=f"marrow_{id_}_{secret}{_checksum(id_ + secret)}")


def verify(conn: Connection, pepper: bytes, token: str) -> Key:
    """Return the key of a token.

    Raises KeyUnknownError, KeyExpiredError or KeyRevokedError: KeyRefusedError, all of them.
    """
    form = _FORM.fullmatch(token)
    if form is None or _checksum(form[1] + form[2]) != form[3]:
        raise KeyUnknownError
    clock = now().label("clock")
    row = conn.execute(select(keys, clock).where(keys.c.id == form[1])).one_or_none()
    # The same work is done for an id that does not exist.
    expected = "" if row is None else row.secret_hmac
    if not hmac.compare_digest(_digest(pepper, form[2]), expected) or row is None:
        raise KeyUnknownError(None if row is None else row.id)
    if row.revoked_at is not None:
        raise KeyRevokedError(row.id)
    if row.expires_at is not None and row.expires_at <= row.clock:
        raise KeyExpiredError(row.id)
    return _key(row)


def needs_touch(key: Key) -> bool:
    """Return whether the key's last use is worth writing down again."""
    return key.last_used_at is None or datetime.now(UTC) - key.last_used_at > TOUCH_AFTER


def touch(conn: Connection, id_: str) -> None:
    """Write down that the key was used, to within a few minutes."""
    stale = or_(
        keys.c.last_used_at.is_(None),
        keys.c.last_used_at < now(offset_s=-TOUCH_AFTER.total_seconds()),
    )
    conn.execute(update(keys).where(keys.c.id == id_, stale).values(last_used_at=now()))


def list_all(conn: Connection) -> list[Key]:
    """Return all keys, oldest first, revoked ones too."""
    return [_key(row) for row in conn.execute(select(keys).order_by(keys.c.created_at, keys.c.id))]


def count(conn: Connection) -> int:
    """Return how many keys were ever made."""
    return conn.execute(select(func.count()).select_from(keys)).scalar_one()


def revoke(conn: Connection, id_: str) -> bool:
    """Revoke a key for good; ``False`` where there is none, or it is revoked already."""
    query = update(keys).where(keys.c.id == id_, keys.c.revoked_at.is_(None))
    return conn.execute(query.values(revoked_at=now())).rowcount == 1


def _make_pepper(path: Path) -> None:
    """Write a new pepper under another name and put it in place only where there is none."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return  # another process was first, its pepper holds
        finally:
            draft.unlink()
    except OSError:
        raise PepperError(f"cannot write the key pepper {path}") from None


def _random(chars: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(chars))


def _checksum(text: str) -> str:
    """Return a CRC in six characters: scanners for leaked secrets know the key by it."""
    value, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECKSUM_CHARS):
        value, digit = divmod(value, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


def _digest(pepper: bytes, secret: str) -> str:
    return hmac.new(pepper, secret.encode(), hashlib.sha256).hexdigest()


def _key(row: AnyRow) -> Key:
    return Key(
        id=row.id,
        name=row.name,
        scopes=frozenset(row.scopes.split()),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
