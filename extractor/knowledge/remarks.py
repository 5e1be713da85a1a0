"""What ``marrow patterns lint`` says of a pattern set."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from extractor.knowledge.positions import Place


class Severity(StrEnum):
    """How much a remark weighs."""

    ERROR = "error"
    """Something silently does nothing, or does what nobody decided."""
    NOTE = "note"
    """Worth a look; nothing is wrong."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing found, where it stands, and the mend."""

    severity: Severity
    code: str
    """Stable name of the kind of thing; lower snake case."""
    place: Place
    text: str
    """What is wrong, and what to do about it."""

    def to_dict(self) -> dict[str, Any]:
        """Return the remark as JSON-ready values."""
        place = asdict(self.place)
        return {
            "severity": str(self.severity),
            "code": self.code,
            "file": place["file"],
            "line": place["line"],
            "text": self.text,
        }


def error(code: str, place: Place, text: str) -> Remark:
    """Return a remark that fails the command."""
    return Remark(Severity.ERROR, code, place, text)


def note(code: str, place: Place, text: str) -> Remark:
    """Return a remark that only informs."""
    return Remark(Severity.NOTE, code, place, text)
