"""What comes out of an archive: reports, and rows that could not be read with their reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extractor.model import Report

MAX_LINE_BYTES = 32 * 1024 * 1024
"""A longer line is cut here and refused: one row must not fill the memory."""

MAX_FIELD_CHARS = 8 * 1024 * 1024
"""The longest single field of a CSV row."""


@dataclass(frozen=True, slots=True)
class SourceReport:
    """One report as an archive holds it, and where it stood."""

    report: Report
    path: str
    """The file, as the caller should see it (relative to the archive that was named)."""
    line: int
    """The line the row or message starts on, counted from 1."""
    source: str = "default"
    """The system that wrote the report; accession numbers are unique within one source."""
    issued: str | None = None
    """When this version was issued, ISO 8601: the newest of an accession is kept."""
    remarks: tuple[str, ...] = ()
    """Codes of what was in the row and not read, for example ``date_not_read``."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row, message or file that gave no report; never holds any of its text."""

    path: str
    line: int
    code: str
    detail: str


Entry = SourceReport | Refusal
