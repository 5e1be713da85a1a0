"""Files that all hosts of an installation share: uploads, shards, results.

Names are paths with slashes below one root. Nothing is ever overwritten: each writer takes a name
of its own, and the database says which one counts. So a store needs neither locks nor renames, and
an object store serves as well as a directory.

``MARROW_DATA_URL`` names it: ``file:///srv/marrow`` (without it it is the data directory), or the
address of an object store that fsspec reaches, such as ``s3://bucket/marrow``.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from storage.errors import FilesError

if TYPE_CHECKING:
    from storage.settings import StorageSettings

AUDITS = "audits"
SCRATCH = "scratch"


class Files(Protocol):
    """A store of files."""

    scratch: Path
    """A directory of this host in which files are made before they are put."""

    def put(self, path: Path, name: str) -> None:
        """Move a file or a folder into the store; it is safe there when this returns."""

    def fetch(self, name: str, path: Path) -> None:
        """Make a file or a folder readable at a path. Raises FileNotFoundError."""

    def open(self, name: str) -> BinaryIO:
        """Open a file to read it. Raises FileNotFoundError."""

    def remove(self, name: str) -> None:
        """Remove a file or a folder; none there is fine."""

    def children(self, name: str) -> list[str]:
        """Return the names of what is in a folder; nothing where there is none."""


def open_files(settings: StorageSettings) -> Files:
    """Return the store of the settings. Raises FilesError where it cannot be used."""
    if settings.data_url is None:
        return LocalFiles(settings.data_dir.resolve())
    parts = urlsplit(settings.data_url)
    if parts.scheme == "file":
        return LocalFiles(Path(unquote(parts.path)))
    if not parts.scheme:
        raise FilesError("MARROW_DATA_URL is no address; write file:///srv/marrow or s3://bucket")
    from storage.object_files import ObjectFiles  # noqa: PLC0415 (an extra)

    return ObjectFiles.at(settings.data_url, scratch=settings.data_dir.resolve() / SCRATCH)


class LocalFiles:
    """A directory, of this host or mounted on all of them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        # On the same file system, so that putting is a rename.
        self.scratch = root / SCRATCH

    def path(self, name: str) -> Path:
        """Return where a file or a folder lies."""
        return self._root / name

    def put(self, path: Path, name: str) -> None:
        """Move a file or a folder into the store, flushed to the disk."""
        target = self._root / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in _files(path):
            flush(file)
        shutil.move(path, target)
        flush(target.parent)

    def fetch(self, name: str, path: Path) -> None:
        """Link to what is in the store."""
        target = self._root / name
        if not target.exists():
            raise FileNotFoundError(target)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.symlink_to(target)

    def open(self, name: str) -> BinaryIO:
        """Open a file to read it."""
        return (self._root / name).open("rb")

    def remove(self, name: str) -> None:
        """Remove a file or a folder."""
        target = self._root / name
        if target.is_dir():
            shutil.rmtree(target, ignore_errors=True)
        else:
            target.unlink(missing_ok=True)
        for folder in target.parents:
            if folder == self._root or not _removed(folder):
                return

    def children(self, name: str) -> list[str]:
        """Return the names of what is in a folder."""
        with suppress(FileNotFoundError, NotADirectoryError):
            return sorted(path.name for path in (self._root / name).iterdir())
        return []


def _files(path: Path) -> list[Path]:
    return [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]


def _removed(folder: Path) -> bool:
    """Remove a folder in which nothing is left."""
    try:
        folder.rmdir()
    except OSError:
        return False
    return True


def flush(path: Path) -> None:
    """Have the disk write a file or a directory's entries: a commit names it next."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
