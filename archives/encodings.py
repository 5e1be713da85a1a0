"""From bytes to text: UTF-8 where it is, and what else a hospital's systems have written."""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING

from charset_normalizer import from_bytes

from archives.files import open_bytes
from archives.model import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from archives.files import ArchiveFile

_SAMPLE_BYTES = 64 * 1024


def marked_encoding(head: bytes) -> str | None:
    """Return the encoding that the first bytes of a file give away, ``None`` where they do not.

    A byte order mark, or the zeros between the letters of UTF-16 without one.
    """
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(head) >= 4 and head[1] == head[3] == 0 and head[0] and head[2]:  # noqa: PLR2004
        return "utf-16-le"
    if len(head) >= 4 and head[0] == head[2] == 0 and head[1] and head[3]:  # noqa: PLR2004
        return "utf-16-be"
    return None


def guess_encoding(sample: bytes) -> str:
    """Return the likeliest single-byte encoding; cp1252 where nothing speaks for another."""
    if not sample:
        return "cp1252"
    best = from_bytes(sample, cp_isolation=["cp1252", "latin_1", "cp850", "mac_roman"]).best()
    return best.encoding if best is not None else "cp1252"


def sampled_encoding(file: ArchiveFile) -> str:
    """Return what the beginning of a text file is most likely written in."""
    with open_bytes(file) as stream:
        sample = stream.read(_SAMPLE_BYTES)
    marked = marked_encoding(sample)
    if marked is not None:
        return marked
    try:
        # The sample may end within a character.
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return guess_encoding(sample)
    return "utf-8"


def decode(data: bytes, fallback: str) -> str:
    """Decode as UTF-8, else with ``fallback``, else as Latin-1, which no byte escapes."""
    for encoding in ("utf-8", fallback):
        try:
            return data.decode(encoding)
        except (ValueError, LookupError):  # not such text, no such encoding, or a name that is none
            continue
    return data.decode("latin-1")


def decode_whole(data: bytes) -> str:
    """Decode the bytes of one text, by its mark or by looking."""
    marked = marked_encoding(data[:4])
    if marked is not None:
        return data.decode(marked, errors="replace")
    if _is_utf8(data):
        return data.decode("utf-8")
    return decode(data, guess_encoding(data[:_SAMPLE_BYTES]))


def lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield lines with their ends; one over ``MAX_LINE_BYTES`` comes cut to that length.

    A reader sees a cut line as one that is too long for a field, and refuses it.
    """
    while line := stream.readline(MAX_LINE_BYTES):
        yield line
        while len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE_BYTES)


def fallback_encoding(file: ArchiveFile) -> str:
    """Return the encoding for the lines of a file that are not UTF-8.

    The whole file is UTF-8 far more often than not; where some lines are not, they are often the
    only ones (two systems wrote into one export). So only they are looked at, and only they are
    decoded differently.
    """
    sample = bytearray()
    with open_bytes(file) as stream:
        for line in lines(stream):
            if not _is_utf8(line):
                sample += line[:_SAMPLE_BYTES]
            if len(sample) >= _SAMPLE_BYTES:
                break
    return guess_encoding(bytes(sample))


def text_lines(file: ArchiveFile) -> Iterator[str]:
    """Yield the decoded lines of a text file with their ends, without a byte order mark."""
    with open_bytes(file) as stream:
        head = stream.peek(4)[:4] if hasattr(stream, "peek") else b""
        marked = marked_encoding(head)
        if marked is not None and marked.startswith("utf-16"):
            yield from _wide_lines(stream, marked)
            return
        fallback: str | None = None
        for number, line in enumerate(lines(stream), start=1):
            raw = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if _is_utf8(raw):
                yield raw.decode("utf-8")
            else:
                fallback = fallback or fallback_encoding(file)
                yield decode(raw, fallback)


def _wide_lines(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield the lines of a UTF-16 file, cut at the same length as others."""
    text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="\n")
    try:
        while line := text.readline(MAX_LINE_BYTES):
            yield line
            while len(line) == MAX_LINE_BYTES and not line.endswith("\n"):
                line = text.readline(MAX_LINE_BYTES)
    finally:
        text.detach()  # whoever opened the stream closes it


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
