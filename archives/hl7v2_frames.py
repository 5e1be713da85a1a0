r"""Where HL7 v2 messages begin and end: log framing, MLLP, and plain files.

- log: ``<SB>`` message ``<EB>``, segments ended by ``<R>``, often a time stamp line between
- MLLP: ``\x0b`` message ``\x1c\r``
- plain: a message begins with each line that starts with ``MSH``
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
_BLOCK_BYTES = 64 * 1024
_START_BYTES = 8
"""The start of a message may lie across two blocks: so much is looked at again."""
_PLAIN_START = re.compile(rb"(?:^|(?<=[\r\n]))MSH(?=[^A-Za-z0-9\s])")


@dataclass(frozen=True, slots=True)
class Frame:
    """One message's bytes, or why there is none."""

    line: int
    """The line of the file that the frame starts on, counted from 1."""
    body: bytes
    fault: str | None = None
    """``None``, ``"unterminated"`` or ``"too_large"``."""


def is_hl7(head: bytes) -> bool:
    """Say whether the first bytes of a file look like HL7 v2 in any framing."""
    head = head.removeprefix(codecs.BOM_UTF8)
    return b"<SB>" in head or b"\x0bMSH" in head or _find_start(head, 0) >= 0


def frames(stream: BinaryIO) -> Iterator[Frame]:
    """Yield the frames of a file in order, holding one message in memory at a time."""
    head = stream.read(_BLOCK_BYTES).removeprefix(codecs.BOM_UTF8)
    if b"<SB>" in head:
        yield from _delimited(stream, head, start=b"<SB>", end=b"<EB>")
    elif b"\x0b" in head:
        yield from _delimited(stream, head, start=b"\x0b", end=b"\x1c")
    else:
        yield from _plain(stream, head)


def _delimited(stream: BinaryIO, head: bytes, *, start: bytes, end: bytes) -> Iterator[Frame]:
    """Yield what stands between ``start`` and ``end``; a new start before the end is a fault."""
    buffer, line = head, 1
    while True:
        begin = buffer.find(start)
        if begin < 0:
            keep = len(start) - 1
            block = stream.read(_BLOCK_BYTES)
            if not block:
                return
            line += buffer[: len(buffer) - keep].count(b"\n")
            buffer = buffer[len(buffer) - keep :] + block
            continue
        line += buffer.count(b"\n", 0, begin)
        buffer = buffer[begin:]
        buffer, stop, again = _fill_until(stream, buffer, start=start, end=end)
        if again >= 0:
            yield Frame(line, b"", "unterminated")
            line += buffer.count(b"\n", 0, again)
            buffer = buffer[again:]
            continue
        if stop < 0:
            fault = "too_large" if len(buffer) >= MAX_MESSAGE_BYTES else "unterminated"
            yield Frame(line, b"", fault)
            line += buffer.count(b"\n")
            buffer = stream.read(_BLOCK_BYTES)
            continue
        yield Frame(line, buffer[len(start) : stop])
        line += buffer.count(b"\n", 0, stop)
        buffer = buffer[stop + len(end) :]


def _fill_until(
    stream: BinaryIO, buffer: bytes, *, start: bytes, end: bytes
) -> tuple[bytes, int, int]:
    """Read until the buffer, which begins with ``start``, holds ``end`` or another ``start``.

    Returns the buffer, where ``end`` is, and where another ``start`` before it is; -1 for neither.
    """
    searched = len(start)
    while True:
        stop = buffer.find(end, searched)
        again = buffer.find(start, searched, stop if stop >= 0 else len(buffer))
        if stop >= 0 or again >= 0 or len(buffer) >= MAX_MESSAGE_BYTES:
            return buffer, stop, again
        searched = max(len(start), len(buffer) - len(end) + 1)
        block = _more(stream, buffer)
        if not block:
            return buffer, -1, -1
        buffer += block


def _plain(stream: BinaryIO, head: bytes) -> Iterator[Frame]:
    """Yield what stands between one line that starts with MSH and the next."""
    buffer, line = head, 1
    searched = 0
    inside = False
    while True:
        start = _find_start(buffer, searched)
        if start < 0:
            block = _more(stream, buffer)
            if not block:
                if inside:
                    yield Frame(line, buffer)
                return
            if inside and len(buffer) >= MAX_MESSAGE_BYTES:
                yield Frame(line, b"", "too_large")
                inside = False
            if not inside:
                kept = buffer[-_START_BYTES:]
                line += buffer.count(b"\n") - kept.count(b"\n")
                buffer = kept
            searched = max(3 if inside else 0, len(buffer) - _START_BYTES)
            buffer += block
            continue
        if inside:
            yield Frame(line, buffer[:start])
        line += buffer.count(b"\n", 0, start)
        buffer = buffer[start:]
        inside, searched = True, 3


def _find_start(buffer: bytes, offset: int) -> int:
    """Return where the next message starts, or -1; the fast search for three letters first."""
    place = buffer.find(b"MSH", offset)
    while place >= 0:
        if _PLAIN_START.match(buffer, place):
            return place
        place = buffer.find(b"MSH", place + 3)
    return -1


def _more(stream: BinaryIO, buffer: bytes) -> bytes:
    """Return the next block: the longer a message the longer, so that it is copied a few times."""
    return stream.read(max(_BLOCK_BYTES, len(buffer) // 2))
