"""Report text in, structured findings out; imports nothing else of Marrow."""

from extractor._version import __version__
from extractor.errors import ExtractorError, PatternError, TextTooLongError
from extractor.extractor import MAX_TEXT_CHARS, Extractor
from extractor.model import (
    CASE_LEVELS,
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
