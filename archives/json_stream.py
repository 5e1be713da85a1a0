"""JSON files of any size, one record at a time: a Bundle's entries, an array's, or the one there is.

ijson (yajl) gives each record when it is complete, so that a Bundle of gigabytes needs the memory
of its largest resource, and one that is cut off loses nothing before the cut.
"""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, Any, BinaryIO

import ijson

from archives.encodings import marked_encoding
from archives.files import open_bytes
from archives.model import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archives.files import ArchiveFile

_LISTS = {"entry": "entry.item", "reports": "reports.item"}
"""Members of the outermost object that hold the records, and ijson's way to them."""


_BLOCK_BYTES = 1024 * 1024
"""yajl reads a string anew with each block that it goes on in: few blocks for a long string."""
_SLICE_BYTES = 4 * 1024
_MAX_DEPTH = 1000
"""ijson keeps the way to each open bracket, so that a hundred thousand would fill the memory."""


class RecordTooLargeError(ValueError):
    """One record is longer than the memory that it may take."""


class BrokenJsonError(ValueError):
    """The file is no JSON, or no more from here on."""


def records(file: ArchiveFile) -> Iterator[Any]:
    """Yield the records of a JSON file in their order.

    Raises:
        BrokenJsonError: after the last record before the fault.
        RecordTooLargeError: after the last record before the one that is too large.

    """
    try:
        with open_bytes(file) as stream:
            prefix = _way(_Utf8(stream))
        with open_bytes(file) as stream:
            if prefix is None:
                yield json.loads(_Utf8(stream).whole())
                return
            metered = _Utf8(stream)
            for record in ijson.items(metered, prefix, use_float=True):
                metered.start_record()
                yield record
    except (ijson.JSONError, RecursionError, json.JSONDecodeError) as error:
        raise BrokenJsonError from error


def _way(stream: _Utf8) -> str | None:
    """Return ijson's way to the records, ``None`` where the file is one record."""
    for prefix, event, _value in ijson.parse(stream):
        if event == "start_array" and prefix == "":
            return "item"
        if event == "start_array" and prefix in _LISTS:
            return _LISTS[prefix]
    return None


class _Utf8:
    """The bytes of a file as UTF-8, whatever they are: a stray byte of cp1252 is read as that."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder: codecs.IncrementalDecoder | None = None
        self._since_record = 0
        self._open = 0

    def start_record(self) -> None:
        """Count anew: a record is complete."""
        self._since_record = 0
        self._open = 0

    def whole(self) -> str:
        """Return all of a file that is one record."""
        parts = iter(self.read, b"")
        return b"".join(parts).decode("utf-8")

    def read(self, size: int = _BLOCK_BYTES) -> bytes:
        """Return some bytes.

        Raises:
            RecordTooLargeError: too many since the last record.
            BrokenJsonError: brackets in brackets as in no report.

        """
        if size == 0:
            return b""
        data = self._stream.read(_BLOCK_BYTES)
        self._since_record += len(data)
        if self._since_record > MAX_LINE_BYTES:
            raise RecordTooLargeError
        self._count_brackets(data)
        if self._decoder is None:
            encoding = marked_encoding(data[:4]) or "utf-8"
            self._decoder = codecs.getincrementaldecoder(encoding)("marrow-single-bytes")
        text = self._decoder.decode(data, final=not data)
        return text.encode("utf-8", "replace") or (self.read(size) if data else b"")

    def _count_brackets(self, data: bytes) -> None:
        """Add up open brackets slice by slice; those in strings are few against the limit."""
        for start in range(0, len(data), _SLICE_BYTES):
            part = data[start : start + _SLICE_BYTES]
            self._open += part.count(b"[") + part.count(b"{") - part.count(b"]") - part.count(b"}")
            if self._open > _MAX_DEPTH:
                raise BrokenJsonError


def _single_bytes(error: UnicodeError) -> tuple[str, int]:
    """Read what is no UTF-8 as cp1252, which is what writes such bytes into UTF-8 most often."""
    if not isinstance(error, UnicodeDecodeError) or error.encoding.startswith("utf-16"):
        return "\ufffd", getattr(error, "end", 1)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("marrow-single-bytes", _single_bytes)
