"""The one file of a backup: a tar archive whose last member tells the checksums of the others.

Not compressed: what keeps backups compresses and finds again what it has already. Cut short, or
changed in one byte, it is no backup any more: the manifest is missing or does not fit.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from storage.errors import BackupError
from storage.files import flush

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FORMAT = 1
MANIFEST = "manifest.json"
_PIECE_BYTES = 1024 * 1024
_MAX_MANIFEST_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a backup."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a backup is of."""

    version: str
    """Of the Marrow that made it."""
    revision: str
    """Of its tables."""
    made_at: str
    """ISO 8601, UTC."""
    has_secrets: bool


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds."""

    facts: Facts
    entries: tuple[Entry, ...]

    @property
    def bytes(self) -> int:
        """How large its files are together."""
        return sum(entry.bytes for entry in self.entries)


def write(target: Path, files: Iterable[tuple[str, Path]], facts: Facts) -> Manifest:
    """Write a backup of these files under a name that is free.

    It has the name only once it is whole and on the disk, and is for its owner alone. Raises
    BackupError.
    """
    if target.exists():
        raise BackupError(f"{target} is there already; choose another name")
    draft = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with open(draft, "xb", opener=_private) as file:
            manifest = _write(file, files, facts)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        flush(target.parent)
    except OSError as error:
        raise BackupError(f"cannot write {target}: {error.strerror}") from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return manifest


def unpack(path: Path, folder: Path | None = None) -> Manifest:
    """Check every checksum of a backup, and put its files into a folder where one is named.

    The folder's content counts only when this returns. Raises BackupError.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            return _unpack(tar, folder)
    except FileNotFoundError:
        raise BackupError(f"{path} is not there") from None
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError):
        raise _damaged() from None
    except OSError as error:
        raise BackupError(f"cannot read the backup: {error.strerror}") from None


class _Hashing(io.RawIOBase):
    """A file that is hashed while it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        """Read and hash."""
        piece = self._file.read(size)
        self.digest.update(piece)
        return piece


def _write(file: BinaryIO, files: Iterable[tuple[str, Path]], facts: Facts) -> Manifest:
    entries: list[Entry] = []
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, path in files:
            with path.open("rb") as source:
                size = os.fstat(source.fileno()).st_size
                hashing = _Hashing(source)
                tar.addfile(_member(name, size), hashing)
            entries.append(Entry(name, size, hashing.digest.hexdigest()))
        written = {
            "format": FORMAT,
            "facts": asdict(facts),
            "entries": [asdict(entry) for entry in entries],
        }
        data = json.dumps(written, indent=1).encode()
        tar.addfile(_member(MANIFEST, len(data)), io.BytesIO(data))
    return Manifest(facts, tuple(entries))


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


def _unpack(tar: tarfile.TarFile, folder: Path | None) -> Manifest:
    found: list[Entry] = []
    for member in tar:
        stream = tar.extractfile(member) if member.isreg() else None
        if stream is None:
            raise _damaged()
        if member.name == MANIFEST:
            if member.size > _MAX_MANIFEST_BYTES or tar.next() is not None:
                raise _damaged()
            return _checked(stream.read(), found)
        digest = _copy(stream, None if folder is None else folder / _safe(member.name))
        found.append(Entry(member.name, member.size, digest))
    raise _damaged()


def _checked(manifest: bytes, found: list[Entry]) -> Manifest:
    read = json.loads(manifest)
    if read["format"] != FORMAT:
        raise BackupError("the backup is of a newer Marrow; restore it with that version")
    if [Entry(**entry) for entry in read["entries"]] != found:
        raise _damaged()
    return Manifest(Facts(**read["facts"]), tuple(found))


def _copy(stream: io.BufferedIOBase | BinaryIO | object, path: Path | None) -> str:
    hashing = _Hashing(stream)  # type: ignore[arg-type]  # what tarfile gives is read only
    if path is None:
        while hashing.read(_PIECE_BYTES):
            pass
        return hashing.digest.hexdigest()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(path, "xb", opener=_private) as file:
        while piece := hashing.read(_PIECE_BYTES):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return hashing.digest.hexdigest()


def _safe(name: str) -> PurePosixPath:
    """Return a name that stays in its folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise _damaged()
    return path


def _damaged() -> BackupError:
    return BackupError("it is not a whole backup of Marrow; take another one")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
