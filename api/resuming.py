"""Uploads that go on where they broke off: announced, sent in as many requests as it takes.

What arrives is kept piece by piece (:mod:`storage.uploads`), so that a cut loses at most what is on
its way, and an API process that is killed at most :data:`PIECE_BYTES`. Where the upload stands is
in the database alone: any API process can go on with it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from api import tus
from api.callers import Caller
from api.problems import Code, FieldError, Problem
from api.service import Service
from api.uploads import checked_name, room
from api.validation import failed
from storage import uploads
from storage.errors import UploadDamagedError
from storage.gathering import gather
from storage.ids import new_id
from storage.uploads import NewUpload, Piece, StoredUpload

PIECE_BYTES = 4 * 1024 * 1024
MAX_PIECES = 40_000
"""Enough for the largest archive and thousands of cuts; not for an upload of single bytes."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def announce(request: Request, service: Service, key: Caller) -> StoredUpload:
    """Make the upload that a request announces. Raises Problem."""
    size = tus.number(request, tus.LENGTH_HEADER)
    if size < 1:
        detail = "must be at least 1: an archive is not empty"
        raise failed([FieldError(code="OUT_OF_RANGE", detail=detail, parameter=tus.LENGTH_HEADER)])
    limit = service.settings.max_archive_bytes
    if size > limit:
        raise Problem(Code.BODY_TOO_LARGE, f"An archive may have at most {limit} bytes.")
    told = tus.metadata(request)
    sha256 = told.get("sha256")
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        detail = "`sha256` must be 64 hexadecimal digits in lower case"
        raise failed([FieldError(code="WRONG_FORM", detail=detail, parameter=tus.METADATA_HEADER)])
    name = checked_name(told.get("filename", ""), tus.METADATA_HEADER)
    new = NewUpload(id=new_id("upl"), owner=key.id, name=name, bytes=size, sha256=sha256)
    _create(service, new)
    return find(service, new.id, key)


def keep_whole(service: Service, key: Caller, path: Path, name: str) -> StoredUpload:
    """Make an upload of a file that has arrived at once, which goes into the store. Raises Problem."""
    size = path.stat().st_size
    new = NewUpload(id=new_id("upl"), owner=key.id, name=name, bytes=size)
    _create(service, new)
    upload = find(service, new.id, key)
    _put(service, upload, path, at=0, size=size)
    return find(service, new.id, key)


def _create(service: Service, new: NewUpload) -> None:
    with service.database.begin() as conn:
        if uploads.count_waiting(conn, new.owner) >= service.settings.max_waiting_uploads:
            raise _too_many(f"End or delete some; {service.settings.max_waiting_uploads} may wait.")
        uploads.create(conn, new, kept_s=service.settings.upload_expires_s)


def find(service: Service, id_: str, key: Caller) -> StoredUpload:
    """Return an upload of a key. Raises Problem."""
    with service.database.read() as conn:
        upload = uploads.get(conn, id_, owner=key.id)
    if upload is None:
        raise Problem(
            Code.UPLOAD_NOT_FOUND, "There is none under this id, or it has expired; begin anew."
        )
    return upload


def end(service: Service, id_: str, key: Caller) -> None:
    """Delete an upload that no audit has. Raises Problem."""
    upload = find(service, id_, key)
    with service.database.begin() as conn:
        is_gone = uploads.delete(conn, upload.id)
    if not is_gone:
        raise Problem(Code.UPLOAD_TAKEN, "Its archive goes with the audit that was made of it.")
    service.files.remove(upload.files)


async def receive(request: Request, service: Service, id_: str, key: Caller) -> StoredUpload:
    """Keep what a request sends from where the upload stands, and return how it stands then.

    Raises Problem where it stands elsewhere, or more comes than was announced; what was kept
    before stays.
    """
    at = tus.number(request, tus.OFFSET_HEADER)
    upload = await run_in_threadpool(_begin, service, id_, key, at)
    waiting = bytearray()
    async with room(service.files.scratch) as folder:
        path = folder / "piece"
        async for part in _parts(request):
            waiting += part
            if at + len(waiting) > upload.bytes:
                raise Problem(
                    Code.BODY_TOO_LARGE,
                    "More came than the upload was announced with.",
                    headers={"Connection": "close"},
                )
            if len(waiting) >= PIECE_BYTES:
                await run_in_threadpool(_keep, service, upload, waiting, at=at, path=path)
                at += len(waiting)
                waiting.clear()
        if waiting:
            await run_in_threadpool(_keep, service, upload, waiting, at=at, path=path)
    return await run_in_threadpool(find, service, id_, key)


def _begin(service: Service, id_: str, key: Caller, at: int) -> StoredUpload:
    upload = find(service, id_, key)
    if upload.received != at:
        raise _elsewhere()
    with service.database.read() as conn:
        if uploads.count_pieces(conn, id_) >= MAX_PIECES:
            raise _too_many("It has come in too many pieces; delete it, and send larger ones.")
    return upload


async def _parts(request: Request) -> AsyncIterator[bytes]:
    """Yield what arrives; a cut is an end like any other, and what came before it is kept."""
    try:
        async for part in request.stream():
            yield part
    except ClientDisconnect:
        return


def _keep(service: Service, upload: StoredUpload, data: bytearray, *, at: int, path: Path) -> None:
    path.write_bytes(data)
    _put(service, upload, path, at=at, size=len(data))


def _put(service: Service, upload: StoredUpload, path: Path, *, at: int, size: int) -> None:
    """Put a piece into the store and name it; where it turns out not to count it is removed."""
    piece = Piece(at=at, bytes=size, file=f"{upload.files}/{at:015d}-{uuid4().hex}")
    is_kept = False
    try:
        service.files.put(path, piece.file)
        with service.database.begin() as conn:
            is_kept = uploads.add(conn, upload.id, piece, kept_s=service.settings.upload_expires_s)
    finally:
        if not is_kept:
            service.files.remove(piece.file)
    if not is_kept:
        raise _elsewhere()


@asynccontextmanager
async def whole(service: Service, id_: str, key: Caller) -> AsyncIterator[Path]:
    """Give the file that has been uploaded, under its own name. Raises Problem."""
    upload = await run_in_threadpool(_find_whole, service, id_, key)
    async with room(service.files.scratch) as folder:
        path = folder / upload.name
        await run_in_threadpool(_gather, service, upload, path)
        yield path


def _find_whole(service: Service, id_: str, key: Caller) -> StoredUpload:
    """Return an upload that has arrived. Raises Problem."""
    upload = find(service, id_, key)
    if not upload.is_whole:
        raise not_whole()
    return upload


def not_whole() -> Problem:
    """Return the problem of an upload that has not arrived."""
    return Problem(Code.UPLOAD_NOT_WHOLE, "Send the rest of it first.")


def _gather(service: Service, upload: StoredUpload, path: Path) -> None:
    with service.database.read() as conn:
        pieces = uploads.pieces(conn, upload.id)
    if len(pieces) == 1 and upload.sha256 is None:
        # Nothing to put together or to check: the store may give it without a copy.
        service.files.fetch(pieces[0].file, path)
        return
    try:
        gather(service.files, pieces, path, sha256=upload.sha256)
    except UploadDamagedError:
        raise Problem(
            Code.UPLOAD_DAMAGED, "Its checksum is another: delete it, and send it again."
        ) from None


def _elsewhere() -> Problem:
    return Problem(
        Code.UPLOAD_OFFSET, f"Ask with `HEAD` for its `{tus.OFFSET_HEADER}`, and go on from there."
    )


def _too_many(detail: str) -> Problem:
    return Problem(Code.TOO_MANY_UPLOADS, detail, headers={"Retry-After": "60"})
