"""Put the pieces of an upload together, and see that they are what was sent."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from storage.errors import UploadDamagedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from storage.files import Files
    from storage.uploads import Piece

_BLOCK_BYTES = 1024 * 1024


def gather(files: Files, pieces: Sequence[Piece], path: Path, *, sha256: str | None) -> None:
    """Write the pieces to a path. Raises UploadDamagedError, FileNotFoundError."""
    digest, written = hashlib.sha256(), 0
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("wb") as whole:
        for piece in pieces:
            if piece.at != written:
                raise UploadDamagedError
            with files.open(piece.file) as part:
                while block := part.read(_BLOCK_BYTES):
                    whole.write(block)
                    digest.update(block)
                    written += len(block)
            if written != piece.at + piece.bytes:
                raise UploadDamagedError
    if sha256 is not None and digest.hexdigest() != sha256:
        raise UploadDamagedError
