"""Uploads of archives: written to the disk as they come, whatever their size.

The file's name is told by the header `Content-Disposition`, not by the address: names may hold
more than they should, and addresses end up in the logs of proxies.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from uuid import uuid4

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from api.problems import Code, FieldError, Problem
from api.validation import failed

HEADER = "Content-Disposition"
MAX_NAME_CHARS = 200
_MAX_NAME_BYTES = 240
"""Workers name a file so; a file system takes 255."""
_PIECE_BYTES = 1024 * 1024
_BY_TYPE = {
    "text/csv": "archive.csv",
    "text/tab-separated-values": "archive.tsv",
    "application/x-ndjson": "archive.jsonl",
    "application/jsonl": "archive.jsonl",
    "application/vnd.apache.parquet": "archive.parquet",
    "application/zip": "archive.zip",
    "application/hl7-v2": "archive.hl7",
    "x-application/hl7-v2+er7": "archive.hl7",
    "application/fhir+json": "archive.json",
    "application/fhir+ndjson": "archive.ndjson",
    "application/dicom": "archive.dcm",
}
"""What an upload without a name is called: readers know a format by the end of the name."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An archive that has been received."""

    path: Path
    name: str
    bytes: int
    sha256: str


def has_name(request: Request) -> bool:
    """Return whether a body has a name, that is, is a file."""
    return HEADER in request.headers


@asynccontextmanager
async def received(request: Request, scratch: Path) -> AsyncIterator[Upload]:
    """Receive the body into a file, which is gone at the end unless it was moved.

    Raises Problem where there is no name, nothing in it, or no room for it.
    """
    name = _name(request)
    async with room(scratch) as folder:
        try:
            yield await _receive(request, folder / "body", name)
        except ClientDisconnect:
            # Nobody hears the answer; only the log does.
            raise Problem(Code.BAD_REQUEST, "The upload broke off; nothing was stored.") from None


@asynccontextmanager
async def room(scratch: Path) -> AsyncIterator[Path]:
    """Give a folder for what arrives, and remove it; raises Problem where the disk is full."""
    folder = scratch / f"upload-{uuid4().hex}"
    await run_in_threadpool(folder.mkdir, mode=0o700, parents=True)
    try:
        yield folder
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise
        raise Problem(
            Code.STORAGE_FULL, "Nothing was stored.", headers={"Connection": "close"}
        ) from None
    finally:
        await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)


async def _receive(request: Request, path: Path, name: str) -> Upload:
    digest, size = hashlib.sha256(), 0
    waiting = bytearray()
    with await run_in_threadpool(path.open, "wb") as file:
        async for piece in request.stream():
            waiting += piece
            if len(waiting) < _PIECE_BYTES:
                continue
            size += len(waiting)
            digest.update(waiting)
            await run_in_threadpool(file.write, bytes(waiting))
            waiting.clear()
        digest.update(waiting)
        await run_in_threadpool(file.write, bytes(waiting))
    size += len(waiting)
    if not size:
        raise Problem(Code.BAD_REQUEST, "The body is empty: send the archive as it is.")
    return Upload(path=path, name=name, bytes=size, sha256=digest.hexdigest())


def _name(request: Request) -> str:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    header = request.headers.get(HEADER)
    if header is None:
        if media_type in _BY_TYPE:
            return _BY_TYPE[media_type]
        raise Problem(
            Code.UNSUPPORTED_MEDIA_TYPE,
            f'Name the file: `{HEADER}: attachment; filename="export.csv"`, or send a type such '
            "as `text/csv`. A `source` is sent as `application/json`.",
        )
    message = Message()
    message[HEADER] = header
    return checked_name(message.get_filename() or "", HEADER)


def checked_name(name: str, header: str) -> str:
    """Return the name of a file as it came in a header; raises Problem where it is none."""
    if (
        not 0 < len(name) <= MAX_NAME_CHARS
        or len(name.encode(errors="replace")) > _MAX_NAME_BYTES
        or name.startswith(".")
        or not name.isprintable()
        or not set(name).isdisjoint("/\\")
    ):
        detail = f"must name a file, in 1 to {MAX_NAME_CHARS} characters without a path"
        raise failed([FieldError(code="WRONG_FORM", detail=detail, parameter=header)])
    return name
