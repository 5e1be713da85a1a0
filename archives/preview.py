"""What would be read from an archive, by the first rows of each file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from archives.model import Refusal
from archives.read import read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from archives.columns import Columns, Mapping
    from archives.model import SourceReport

FIELDS = (
    "report_id", "patient_id", "age_years", "sex", "pregnancy", "modality", "description", "date",
    "accession", "issued",
)  # fmt: skip
"""What is counted: what a report may have besides its text."""


@dataclass(slots=True)
class Preview:
    """What the first rows of one archive are; holds nothing of any report but how much there is."""

    path: Path
    reports: int = 0
    filled: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FIELDS, 0))
    """In how many of the reports each field was read."""
    columns: dict[str, str] = field(default_factory=dict)
    """By field, the column that was taken for it, where the file is a table."""
    refusals: list[Refusal] = field(default_factory=list)
    remarks: set[str] = field(default_factory=set)


def preview(paths: Sequence[Path], mapping: Mapping, *, rows: int) -> list[Preview]:
    """Return what the first ``rows`` rows of each path are.

    Raises:
        ArchiveError: as ``read``.

    """
    return [_preview(path, mapping, rows) for path in paths]


def _preview(path: Path, mapping: Mapping, rows: int) -> Preview:
    found = Preview(path)

    def hear(columns: Columns) -> None:
        found.columns = {**columns.single, "text": " + ".join(columns.text)}

    for entry in islice(read([path], replace(mapping, heard=hear)), rows):
        if isinstance(entry, Refusal):
            found.refusals.append(entry)
        else:
            found.reports += 1
            found.remarks.update(entry.remarks)
            for name, value in _values(entry).items():
                found.filled[name] += value is not None
    return found


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
