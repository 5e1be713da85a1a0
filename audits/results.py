"""The results of a finished audit again, report by report in the contract's shape, from its tables.

What the tables do not keep is not there: sections, the rules of cues, the texts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from archives.write import ROW_GROUP_ROWS
from extractor.model import Patient, Study

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MENTION = (
    "id", "finding", "quote", "start", "end", "status", "certainty", "sites", "laterality",
    "severity", "extent", "change", "method", "experiencer", "section", "rule",
)  # fmt: skip
_COLUMNS = ("row", *_MENTION, "cues")


@dataclass(frozen=True, slots=True)
class AuditedReport:
    """One report of an audit: what the archive said of it, and what was read."""

    row: int
    """Its place in the whole archive, unique within the audit."""
    report_id: str | None
    source: str | None
    patient: Patient
    study: Study
    result: dict[str, Any]


def read_results(assessments: Path, mentions: Path) -> Iterator[AuditedReport]:
    """Yield the reports that were read, in the order of the archive, a row group in memory.

    The paths are those of the tables ``assessments.parquet`` and ``mentions.parquet``.
    """
    engine = json.loads(pl.read_parquet_metadata(assessments)["marrow:engine"])
    table = pl.scan_parquet(assessments, glob=False)
    found = pl.scan_parquet(mentions, glob=False).select(_COLUMNS)
    rows = table.select(pl.len()).collect().item()
    for start in range(0, rows, ROW_GROUP_ROWS):
        part = table.slice(start, ROW_GROUP_ROWS).collect()
        of_part = found.filter(pl.col("row").is_between(part["row"][0], part["row"][-1]))
        by_row: dict[int, list[dict[str, Any]]] = {}
        for mention in of_part.collect().iter_rows(named=True):
            by_row.setdefault(mention["row"], []).append(_mention(mention))
        for row in part.iter_rows(named=True):
            yield _report(row, by_row.get(row["row"], []), engine)


def _report(
    row: dict[str, Any], mentions: list[dict[str, Any]], engine: dict[str, str]
) -> AuditedReport:
    return AuditedReport(
        row=row["row"],
        report_id=row["report_id"],
        source=row["source"],
        patient=Patient(row["patient_id"], row["age_years"], row["sex"], row["pregnancy"]),
        study=Study(row["modality"], row["description"], row["study_date"], row["accession"]),
        result={
            "report_id": row["report_id"],
            "engine": engine,
            "mentions": mentions,
            "assessment": _assessment(row),
        },
    )


def _assessment(row: dict[str, Any]) -> dict[str, Any]:
    names = ("definition", "level", "side", "rule", "subtype", "activity", "flags")
    return {name: row[name] for name in names} | {"sides": json.loads(row["sides"])}


def _mention(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _MENTION} | {"cues": json.loads(row["cues"])}
