"""What would be read from an archive, by the first rows of each file."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from archives.encodings import sampled_encoding
from archives.files import UNREADABLE
from archives.model import Refusal
from archives.read import read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from archives.columns import Columns, Mapping
    from archives.files import ArchiveFile
    from archives.model import SourceReport

ROWS = 100
"""Rows that are looked at unless somebody asks for others."""

FIELDS = (
    "report_id", "patient_id", "age_years", "sex", "pregnancy", "modality", "description", "date",
    "accession", "issued",
)  # fmt: skip
"""What is counted: what a report may have besides its text."""

_BINARY = frozenset({"parquet", "dicom_sr"})
"""Formats that have no encoding to recognise."""


@dataclass(slots=True)
class Preview:
    """What the first rows of one archive are; holds nothing of any report but how much there is."""

    path: Path
    formats: Counter[str] = field(default_factory=Counter)
    """How many files of each format were begun."""
    encodings: Counter[str] = field(default_factory=Counter)
    """How many of them begin in which encoding; lines in another are decoded by themselves."""
    reports: int = 0
    undesired: int = 0
    """Of the reports, those of other days than asked for."""
    filled: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FIELDS, 0))
    """In how many of the reports each field was read."""
    columns: dict[str, str] = field(default_factory=dict)
    """By field, the column that was taken for it, where the file is a table."""
    refusals: list[Refusal] = field(default_factory=list)
    remarks: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Days:
    """The examinations that are asked for, both days included; those without a date always are."""

    since: date | None = None
    until: date | None = None

    def include(self, day: str | None) -> bool:
        """Return whether a report of a day (ISO 8601, with or without a time) is asked for."""
        if day is None:
            return True
        day = day[: len("2020-01-01")]
        after = self.since is None or day >= self.since.isoformat()
        return after and (self.until is None or day <= self.until.isoformat())


def preview(
    paths: Sequence[Path], mapping: Mapping, *, rows: int = ROWS, days: Days | None = None
) -> list[Preview]:
    """Return what the first ``rows`` rows of each path are.

    Raises:
        ArchiveError: as ``read``.

    """
    return [_preview(path, mapping, rows, days or Days()) for path in paths]


def _preview(path: Path, mapping: Mapping, rows: int, days: Days) -> Preview:
    found = Preview(path)

    def hear(columns: Columns) -> None:
        found.columns = {**columns.single, "text": " + ".join(columns.text)}

    def open_(file: ArchiveFile, name: str) -> None:
        found.formats[name] += 1
        if name not in _BINARY:
            found.encodings[_encoding(file)] += 1

    listening = replace(mapping, heard=hear, opened=open_)
    for entry in islice(read([path], listening), rows):
        if isinstance(entry, Refusal):
            found.refusals.append(entry)
        else:
            found.reports += 1
            found.undesired += not days.include(entry.report.study.date)
            found.remarks.update(entry.remarks)
            for name, value in _values(entry).items():
                found.filled[name] += value is not None
    return found


def facts(found: Preview) -> dict[str, Any]:
    """Return what was found as JSON-ready values, but the path."""
    return {
        "rows": found.reports + len(found.refusals),
        "reports": found.reports,
        "undesired": found.undesired,
        "formats": dict(sorted(found.formats.items())),
        "encodings": dict(sorted(found.encodings.items())),
        "columns": found.columns,
        "filled": found.filled,
        "refusals": [asdict(refusal) for refusal in found.refusals],
        "remarks": sorted(found.remarks),
    }


def _encoding(file: ArchiveFile) -> str:
    try:
        return sampled_encoding(file)
    except UNREADABLE:
        return "unreadable"


def _values(entry: SourceReport) -> dict[str, object]:
    report = entry.report
    return {
        "report_id": report.report_id,
        "patient_id": report.patient.id,
        "age_years": report.patient.age_years,
        "sex": report.patient.sex,
        "pregnancy": report.patient.pregnancy,
        "modality": report.study.modality,
        "description": report.study.description,
        "date": report.study.date,
        "accession": report.study.accession,
        "issued": entry.issued,
    }
