"""The files of an archive: which there are, their bytes, their lines and their encoding."""

from __future__ import annotations

import gzip
import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from charset_normalizer import from_bytes

from archives.errors import ArchiveNotFoundError
from archives.model import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SAMPLE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """One file of an archive."""

    path: Path
    name: str
    """How it is named in results: relative to the folder that was given, else its file name."""

    @property
    def kind(self) -> str:
        """The suffix that tells the format, lower case, without a closing ``.gz``."""
        suffixes = [suffix.lower() for suffix in self.path.suffixes]
        if suffixes and suffixes[-1] == ".gz":
            suffixes.pop()
        return suffixes[-1] if suffixes else ""


def list_files(paths: list[Path]) -> list[ArchiveFile]:
    """Return the files behind ``paths`` in a stable order; folders are walked, hidden files left.

    Symbolic links inside a folder are not followed: an archive must not lead out of itself.

    Raises:
        ArchiveNotFoundError: nothing at a path, or a folder without any file.

    """
    files: list[ArchiveFile] = []
    for path in paths:
        if path.is_dir():
            found = [
                ArchiveFile(path=member, name=f"{path.name}/{member.relative_to(path).as_posix()}")
                for member in sorted(path.rglob("*"))
                if member.is_file()
                and not member.is_symlink()
                and not any(part.startswith(".") for part in member.relative_to(path).parts)
            ]
            if not found:
                raise ArchiveNotFoundError(f"The folder {path} holds no files.")
            files += found
        elif path.is_file():
            files.append(ArchiveFile(path=path, name=path.name))
        else:
            raise ArchiveNotFoundError(f"There is no file or folder {path}.")
    return files


@contextmanager
def open_bytes(file: ArchiveFile) -> Iterator[BinaryIO]:
    """Open a file for reading bytes, through gzip where it is named so."""
    if file.path.suffix.lower() == ".gz":
        with gzip.open(file.path, "rb") as stream:
            yield cast("BinaryIO", stream)
    else:
        with file.path.open("rb") as plain:
            yield plain


def checksum(path: Path) -> str:
    """Return ``sha256:`` and the digest of the file's bytes as they stand on disk."""
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


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


def guess_encoding(sample: bytes) -> str:
    """Return the likeliest single-byte encoding; cp1252 where nothing speaks for another."""
    if not sample:
        return "cp1252"
    best = from_bytes(sample, cp_isolation=["cp1252", "latin_1", "cp850", "mac_roman"]).best()
    return best.encoding if best is not None else "cp1252"


def decode(data: bytes, fallback: str) -> str:
    """Decode as UTF-8, else with ``fallback``, else as Latin-1, which no byte escapes."""
    for encoding in ("utf-8", fallback):
        try:
            return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("latin-1")


def text_lines(file: ArchiveFile) -> Iterator[str]:
    """Yield the decoded lines of a text file with their ends, without a byte order mark."""
    with open_bytes(file) as stream:
        head = stream.peek(4) if hasattr(stream, "peek") else b""
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            yield from stream.read().decode("utf-16", errors="replace").splitlines(keepends=True)
            return
        fallback: str | None = None
        for number, line in enumerate(lines(stream), start=1):
            raw = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if _is_utf8(raw):
                yield raw.decode("utf-8")
            else:
                fallback = fallback or fallback_encoding(file)
                yield decode(raw, fallback)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
