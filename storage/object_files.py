"""Files in an object store, by fsspec: for workers on hosts that share no directory.

Imported only where ``MARROW_DATA_URL`` names such a store; fsspec and the driver of the store are
extras (``pip install marrow[s3]``).
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from storage.errors import FilesError

if TYPE_CHECKING:
    from pathlib import Path


class ObjectFiles:
    """A store that fsspec reaches. What is fetched is a copy."""

    def __init__(self, filesystem: Any, root: str, *, scratch: Path) -> None:
        self._filesystem = filesystem
        self._root = root.rstrip("/")
        self.scratch = scratch

    @classmethod
    def at(cls, url: str, *, scratch: Path) -> ObjectFiles:
        """Return the store at an address. Raises FilesError without a driver for it."""
        try:
            from fsspec.core import url_to_fs  # noqa: PLC0415 (an extra)

            filesystem, root = url_to_fs(url)
        except (ImportError, ValueError):
            # The address may hold a password, so it is not repeated.
            raise FilesError(
                "MARROW_DATA_URL names a store that nothing here can reach: write file:///srv/marrow,"
                " or install fsspec and the driver of the store (for s3: pip install s3fs)"
            ) from None
        return cls(filesystem, root, scratch=scratch)

    def put(self, path: Path, name: str) -> None:
        """Copy a file or a folder into the store, and remove it here."""
        if path.is_dir():
            for file in path.rglob("*"):
                if file.is_file():
                    self._put_file(file, f"{name}/{file.relative_to(path).as_posix()}")
            shutil.rmtree(path)
        else:
            self._put_file(path, name)
            path.unlink()

    def fetch(self, name: str, path: Path) -> None:
        """Copy what is in the store to a path."""
        remote = self._path(name)
        # Listings are cached, and others write as well.
        self._filesystem.invalidate_cache()
        if not self._filesystem.exists(remote):
            raise FileNotFoundError(name)
        if not self._filesystem.isdir(remote):
            self._get_file(remote, path)
            return
        path.mkdir(mode=0o700, parents=True)
        for found in self._filesystem.find(remote):
            self._get_file(found, path / found.split(f"{name}/", 1)[1])

    def open(self, name: str) -> BinaryIO:
        """Open a file to read it."""
        return cast("BinaryIO", self._filesystem.open(self._path(name), "rb"))

    def remove(self, name: str) -> None:
        """Remove a file or a folder."""
        self._filesystem.invalidate_cache()
        if self._filesystem.exists(self._path(name)):
            self._filesystem.rm(self._path(name), recursive=True)

    def children(self, name: str) -> list[str]:
        """Return the names of what is in a folder."""
        self._filesystem.invalidate_cache()
        try:
            found = self._filesystem.ls(self._path(name), detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(path.rstrip("/").rpartition("/")[2] for path in found)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}".rstrip("/")

    def _put_file(self, path: Path, name: str) -> None:
        remote = self._path(name)
        # Object stores have no folders, and do nothing here; others need them.
        self._filesystem.makedirs(remote.rpartition("/")[0], exist_ok=True)
        self._filesystem.put_file(str(path), remote)

    def _get_file(self, remote: str, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._filesystem.get_file(remote, str(path))
