"""Uploads that may break off and go on: what has arrived of an archive before its audit is asked for.

An upload is a row and its pieces. A piece is a file in the store of files that counts only once a
transaction has named it and moved the offset by its size, in one condition on the offset before:
of two clients that send the same part one is told so, and what a dead process had put and not
named does not count. Any process, of any host, can go on with an upload.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, insert, select, update

from storage.clock import now
from storage.tables import upload_pieces, uploads

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

FOLDER = "uploads"
"""Of the store of files; an upload's pieces are in a folder of its id below it."""
_IDS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class NewUpload:
    """An upload as it was announced."""

    id: str
    owner: str
    """The id of the API key that alone may go on with it."""
    name: str
    bytes: int
    sha256: str | None = None
    """Of the whole archive, in hexadecimal; an audit of something else fails."""


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """One upload in the database."""

    id: str
    name: str
    bytes: int
    received: int
    sha256: str | None
    audit: str | None
    """The audit that was made of it."""
    expires_at: datetime

    @property
    def files(self) -> str:
        """Its folder in the store of files."""
        return f"{FOLDER}/{self.id}"

    @property
    def is_whole(self) -> bool:
        """Whether all of it has arrived."""
        return self.received == self.bytes


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an upload."""

    at: int
    """Its place: the bytes before it."""
    bytes: int
    file: str
    """Its name in the store of files."""


def create(conn: Connection, new: NewUpload, *, kept_s: float) -> None:
    """Store an upload of which nothing has arrived; it is kept so long if nothing comes."""
    conn.execute(
        insert(uploads).values(
            id=new.id,
            owner=new.owner,
            name=new.name,
            bytes=new.bytes,
            sha256=new.sha256,
            received=0,
            created_at=now(),
            expires_at=now(offset_s=kept_s),
        )
    )


def get(conn: Connection, id_: str, *, owner: str) -> StoredUpload | None:
    """Return an upload of a key; ``None`` where there is none, or it has expired."""
    query = select(uploads).where(uploads.c.id == id_, uploads.c.owner == owner)
    row = conn.execute(query.where(uploads.c.audit.is_not(None) | _is_kept())).one_or_none()
    if row is None:
        return None
    return StoredUpload(
        id=row.id,
        name=row.name,
        bytes=row.bytes,
        received=row.received,
        sha256=row.sha256,
        audit=row.audit,
        expires_at=row.expires_at,
    )


def count_waiting(conn: Connection, owner: str) -> int:
    """Return how many uploads of a key wait for the rest of them or for their audit."""
    query = select(func.count()).select_from(uploads)
    waiting = (uploads.c.owner == owner, uploads.c.audit.is_(None), _is_kept())
    return conn.execute(query.where(*waiting)).scalar_one()


def count_pieces(conn: Connection, id_: str) -> int:
    """Return in how many pieces an upload has come."""
    query = select(func.count()).select_from(upload_pieces)
    return conn.execute(query.where(upload_pieces.c.upload == id_)).scalar_one()


def add(conn: Connection, id_: str, piece: Piece, *, kept_s: float) -> bool:
    """Keep a piece; ``False`` where its place is not where the upload stands, or it is gone."""
    query = update(uploads).where(
        uploads.c.id == id_,
        uploads.c.received == piece.at,
        uploads.c.bytes >= piece.at + piece.bytes,
        uploads.c.audit.is_(None),
        _is_kept(),
    )
    moved = query.values(received=piece.at + piece.bytes, expires_at=now(offset_s=kept_s))
    if conn.execute(moved).rowcount != 1:
        return False
    conn.execute(
        insert(upload_pieces).values(upload=id_, at=piece.at, bytes=piece.bytes, file=piece.file)
    )
    return True


def take(conn: Connection, id_: str, *, audit: str) -> bool:
    """Give a whole upload to an audit; ``False`` where it is not whole, or not free any more."""
    query = update(uploads).where(
        uploads.c.id == id_,
        uploads.c.received == uploads.c.bytes,
        uploads.c.audit.is_(None),
        _is_kept(),
    )
    return conn.execute(query.values(audit=audit)).rowcount == 1


def pieces(conn: Connection, id_: str) -> list[Piece]:
    """Return what has arrived, in its order."""
    query = select(upload_pieces).where(upload_pieces.c.upload == id_)
    rows = conn.execute(query.order_by(upload_pieces.c.at))
    return [Piece(at=row.at, bytes=row.bytes, file=row.file) for row in rows]


def of_audit(conn: Connection, audit: str) -> tuple[list[Piece], str | None] | None:
    """Return the pieces of an audit's archive and its checksum; ``None`` where it came whole."""
    row = conn.execute(select(uploads).where(uploads.c.audit == audit)).one_or_none()
    return None if row is None else (pieces(conn, row.id), row.sha256)


def delete(conn: Connection, id_: str) -> bool:
    """Delete an upload that no audit has; ``False`` where there is none. Its files go next."""
    query = sql_delete(uploads).where(uploads.c.id == id_, uploads.c.audit.is_(None))
    return conn.execute(query).rowcount == 1


def expired(conn: Connection, *, limit: int = 100) -> list[str]:
    """Return uploads for which nothing has come for too long."""
    query = select(uploads.c.id).where(uploads.c.audit.is_(None), ~_is_kept())
    return list(conn.execute(query.order_by(uploads.c.id).limit(limit)).scalars())


def known(conn: Connection, ids: Sequence[str]) -> set[str]:
    """Return which of these uploads there are."""
    found: set[str] = set()
    for start in range(0, len(ids), _IDS_AT_ONCE):
        part = uploads.c.id.in_(ids[start : start + _IDS_AT_ONCE])
        found |= set(conn.execute(select(uploads.c.id).where(part)).scalars())
    return found


def delete_waiting(conn: Connection) -> None:
    """Delete all uploads that no audit has: after a restore their files are elsewhere."""
    conn.execute(sql_delete(uploads).where(uploads.c.audit.is_(None)))


def _is_kept() -> Any:
    return uploads.c.expires_at > now()
