"""What fuzzing begins with: an archive of each format, and what is done to its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archives import ArchiveError, read
from tests.canary.marks import Mark
from tests.canary.story import archives

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = {
    name.partition(".")[2]: data
    for name, data in archives().items()
    if "-" not in name and not name.endswith(Mark.VALUE.word)
}
"""By the ending of the name, which tells the format; some rows of each cannot be read."""


@dataclass(frozen=True)
class Change:
    """One change of bytes, at a part of the whole length."""

    place: float
    removed: int
    put: bytes

    def apply(self, data: bytes) -> bytes:
        """Return the data, changed."""
        start = int(self.place * len(data))
        return data[:start] + self.put + data[start + self.removed :]


def read_all(path: Path, data: bytes) -> int:
    """Read an archive to its end; return how many rows there were, refused ones too.

    That a file cannot be read at all is an answer as well; anything else that is raised is a fault.
    """
    path.write_bytes(data)
    try:
        return sum(1 for _ in read([path]))
    except ArchiveError:
        return 0
