"""Report text in, structured findings out; imports nothing else of Marrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor._version import __version__
from extractor.errors import ExtractorError, PatternError, TextTooLongError
from extractor.model import (
    CASE_LEVELS,
    MAX_TEXT_CHARS,
    Certainty,
    Engine,
    Experiencer,
    Laterality,
    Level,
    Mention,
    Patient,
    Report,
    Result,
    SectionCategory,
    SpanAssertion,
    Status,
    Study,
)

if TYPE_CHECKING:
    from extractor.extractor import Extractor

__all__ = [
    "CASE_LEVELS",
    "MAX_TEXT_CHARS",
    "Certainty",
    "Engine",
    "Experiencer",
    "Extractor",
    "ExtractorError",
    "Laterality",
    "Level",
    "Mention",
    "Patient",
    "PatternError",
    "Report",
    "Result",
    "SectionCategory",
    "SpanAssertion",
    "Status",
    "Study",
    "TextTooLongError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Load the extractor, and spaCy with it, only when it is asked for: most processes need the model alone."""
    if name == "Extractor":
        from extractor.extractor import Extractor  # noqa: PLC0415 - the reason stands above

        return Extractor
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
