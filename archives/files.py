"""The files of an archive: which there are, their bytes, whatever they are packed in."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import tempfile
import zipfile
import zlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, cast

from archives.errors import ArchiveNotFoundError
from archives.inflated import guarded

if TYPE_CHECKING:
    from collections.abc import Iterator

UNREADABLE = (OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)
"""What a damaged file raises while it is read, in whatever it is packed."""


@dataclass(frozen=True, slots=True)
class ZipMember:
    """One file inside a zip that is open."""

    zip: zipfile.ZipFile
    info: zipfile.ZipInfo


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """One file of an archive."""

    path: Path
    """On disk; of a member, the zip."""
    name: str
    """How it is named in results: relative to the folder that was given, else its file name."""
    member: ZipMember | None = None
    beside: Neighbours | None = field(default=None, repr=False, compare=False)
    """The other files of the folder or zip that was named as a whole."""

    @property
    def kind(self) -> str:
        """The suffix that tells the format, lower case, without a closing ``.gz``."""
        suffixes = [suffix.lower() for suffix in PurePosixPath(self.name).suffixes]
        if self.is_gzip:
            suffixes.pop()
        return suffixes[-1] if suffixes else ""

    @property
    def is_gzip(self) -> bool:
        """Whether it is named as compressed by gzip."""
        return self.name.lower().endswith(".gz")


@dataclass(slots=True, eq=False)
class Neighbours:
    """Files that were named as one archive: what one holds may explain another."""

    files: list[ArchiveFile] = field(default_factory=list)
    known: dict[str, object] = field(default_factory=dict)
    """What readers have learnt from some of them, so that it is read once."""


def list_files(paths: list[Path]) -> list[ArchiveFile]:
    """Return the files behind ``paths`` in a stable order; folders are walked, hidden files left.

    Symbolic links inside a folder are not followed: an archive must not lead out of itself.

    Raises:
        ArchiveNotFoundError: nothing at a path, or a folder without any file.

    """
    files: list[ArchiveFile] = []
    for path in paths:
        if path.is_dir():
            beside = Neighbours()
            beside.files += [
                ArchiveFile(
                    path=member,
                    name=f"{path.name}/{member.relative_to(path).as_posix()}",
                    beside=beside,
                )
                for member in sorted(path.rglob("*"))
                if member.is_file()
                and not member.is_symlink()
                and not any(part.startswith(".") for part in member.relative_to(path).parts)
            ]
            if not beside.files:
                raise ArchiveNotFoundError(f"The folder {path} holds no files.")
            files += beside.files
        elif path.is_file():
            files.append(ArchiveFile(path=path, name=path.name))
        else:
            raise ArchiveNotFoundError(f"There is no file or folder {path}.")
    return files


@contextmanager
def open_bytes(file: ArchiveFile) -> Iterator[BinaryIO]:
    """Open a file for reading bytes, out of its zip and through gzip where it is named so.

    Raises:
        InflatedTooFarError: while reading, when it is a compression bomb.

    """
    with ExitStack() as stack:
        if file.member is None:
            stream: BinaryIO = stack.enter_context(file.path.open("rb"))
        else:
            opened = stack.enter_context(file.member.zip.open(file.member.info))
            stream = cast("BinaryIO", opened)
        if file.is_gzip:
            inflated = stack.enter_context(gzip.GzipFile(fileobj=stream, mode="rb"))
            stream = guarded(cast("BinaryIO", inflated), stream.tell)
        yield stream


@contextmanager
def on_disk(file: ArchiveFile) -> Iterator[Path]:
    """Give a path to the file's own bytes; a packed file is put beside for as long as needed."""
    if file.member is None and not file.is_gzip:
        yield file.path
        return
    with tempfile.TemporaryDirectory(prefix="marrow-") as folder:
        path = Path(folder) / "unpacked"
        with open_bytes(file) as stream, path.open("wb") as copy:
            shutil.copyfileobj(stream, copy, 1024 * 1024)
        yield path


def checksum(path: Path) -> str:
    """Return ``sha256:`` and the digest of the file's bytes as they stand on disk."""
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
