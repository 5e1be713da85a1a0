"""What can go wrong while reading reports or loading patterns.

* ExtractorError
  x TextTooLongError
  x PatternError

No message ever holds report text: messages end up in logs and HTTP answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class ExtractorError(Exception):
    """Base of every error that this package raises on purpose."""

    code: str = "extractor_error"
    """Stable name for programs; lower snake case."""


class TextTooLongError(ExtractorError):
    """The report is longer than the extractor reads."""

    code = "text_too_long"

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(
            f"the report has {length} characters, more than the limit of {limit}; split it or drop appended data"
        )
        self.length = length
        self.limit = limit


class PatternError(ExtractorError):
    """A pattern file is wrong; says where and how to mend it."""

    code = "pattern_error"

    def __init__(
        self, message: str, *, file: Path | str | None = None, line: int | None = None
    ) -> None:
        place = "" if file is None else f"{file}:{line}: " if line else f"{file}: "
        super().__init__(f"{place}{message}")
        self.file = file
        self.line = line
