"""A file from a form, as browsers post it: written to the disk as it comes, whatever its size.

Starlette's own forms are read before a route runs, and put what is large where the system keeps
temporary files; archives go beside the store that they are put into.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from api.problems import Code, FieldError, Problem
from api.uploads import checked_name, room
from api.validation import failed

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MEDIA_TYPE = "multipart/form-data"
FORM_BYTES = 64 * 1024
"""What a form may hold besides the file."""
_MALFORMED = "The form is not well formed."
_AT_ONCE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PostedFile:
    """A file that has arrived."""

    path: Path
    name: str


@asynccontextmanager
async def posted_file(
    request: Request, scratch: Path, field_name: str
) -> AsyncIterator[PostedFile]:
    """Receive the file in a field of a form; it is gone at the end unless it was moved.

    Raises Problem where the form holds none, or an empty one, or there is no room for it.
    """
    boundary = _boundary(request)
    async with room(scratch) as folder:
        path = folder / "archive"
        with await run_in_threadpool(path.open, "wb") as file:
            reader = _Reader(field_name.encode(), file)
            await _feed(request, MultipartParser(boundary, reader.callbacks()))
        if not reader.is_whole:
            raise Problem(Code.BAD_REQUEST, _MALFORMED)
        if reader.name is None or not path.stat().st_size:
            detail = "choose a file that is not empty"
            raise failed([FieldError(code="MISSING", detail=detail, pointer=f"/{field_name}")])
        yield PostedFile(path, checked_name(reader.name, field_name))


def _boundary(request: Request) -> bytes:
    media_type, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if media_type.decode("latin-1") != MEDIA_TYPE or not boundary:
        raise Problem(Code.UNSUPPORTED_MEDIA_TYPE, f"Post the form as `{MEDIA_TYPE}`.")
    return boundary


async def _feed(request: Request, parser: MultipartParser) -> None:
    """Give the body to the parser, which writes to the disk: in another thread, a piece at a time."""
    waiting = bytearray()
    try:
        async for piece in request.stream():
            waiting += piece
            if len(waiting) >= _AT_ONCE_BYTES:
                await run_in_threadpool(parser.write, bytes(waiting))
                waiting.clear()
        await run_in_threadpool(parser.write, bytes(waiting))
        await run_in_threadpool(parser.finalize)
    except ClientDisconnect:
        broken = "The upload broke off; nothing was stored."
    except FormParserError:
        broken = _MALFORMED
    else:
        return
    # Outside of the handler: the chain of a parser's error would carry the body along.
    raise Problem(Code.BAD_REQUEST, broken)


@dataclass(slots=True)
class _Reader:
    """What the parser calls: of all parts only the file in one field is kept."""

    field_name: bytes
    file: BinaryIO
    name: str | None = None
    """Of the file, once it has begun."""
    is_whole: bool = False
    """Whether the form came to its end."""
    _is_wanted: bool = False
    _header: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)

    def callbacks(self) -> MultipartCallbacks:
        """Return them by the names that the parser knows."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._is_wanted = False

    def _end_header(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            if options.get(b"name") == self.field_name and self.name is None:
                name = options.get(b"filename", b"").decode(errors="replace")
                # A form in which nothing was chosen has the field, with an empty name.
                self.name, self._is_wanted = name or None, bool(name)
        self._header.clear()
        self._value.clear()

    def _end(self) -> None:
        self.is_whole = True

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_wanted:
            self.file.write(data[start:end])
