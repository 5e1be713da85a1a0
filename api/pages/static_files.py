"""Style sheet, script and icon: read once, named by their content, so that they may be kept forever."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = "/static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it is sent."""

    body: bytes
    gzipped: bytes
    media_type: str
    digest: str


@cache
def static_files() -> Mapping[str, StaticFile]:
    """Return all files by name."""
    found = {}
    for file in files("api.pages").joinpath("static").iterdir():
        suffix = file.name[file.name.rindex(".") :]
        if suffix in _TYPES:
            body = file.read_bytes()
            digest = hashlib.sha256(body).hexdigest()[:12]
            gzipped = gzip.compress(body, mtime=0)
            found[file.name] = StaticFile(body, gzipped, _TYPES[suffix], digest)
    return found


def static_path(name: str) -> str:
    """Return the address of a file; it changes with the file's content."""
    return f"{PATH}/{name}?v={static_files()[name].digest}"
