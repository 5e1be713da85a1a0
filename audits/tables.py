"""The columns of every table of an audit, and rows made of results."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archives import SourceReport
    from extractor.model import Evidence, Mention, Result, SideAssessment

REPORTS: dict[str, Any] = {
    "row": pl.Int64,
    "path": pl.String,
    "line": pl.Int64,
    "source": pl.String,
    "report_id": pl.String,
    "patient_id": pl.String,
    "age_years": pl.Int64,
    "sex": pl.String,
    "pregnancy": pl.String,
    "modality": pl.String,
    "description": pl.String,
    "study_date": pl.String,
    "accession": pl.String,
    "issued": pl.String,
    "remarks": pl.List(pl.String),
    "text_sha256": pl.String,
    "text": pl.String,
}
"""What was read from the archive; ``row`` counts over all its files and is the order of all."""

ASSESSMENTS: dict[str, Any] = {
    "row": pl.Int64,
    "report_id": pl.String,
    "source": pl.String,
    "accession": pl.String,
    "patient_id": pl.String,
    "study_date": pl.String,
    "modality": pl.String,
    "description": pl.String,
    "in_scope": pl.Boolean,
    "is_densitometry": pl.Boolean,
    "is_nondiagnostic": pl.Boolean,
    "laterality": pl.String,
    "age_years": pl.Int64,
    "sex": pl.String,
    "pregnancy": pl.String,
    "onset_atraumatic": pl.Boolean,
    "definition": pl.String,
    "level": pl.String,
    "side": pl.String,
    "rule": pl.String,
    "subtype": pl.String,
    "activity": pl.String,
    "flags": pl.List(pl.String),
    "sides": pl.String,
    "atoms": pl.String,
    "mentions": pl.Int64,
    "remarks": pl.List(pl.String),
    "text_chars": pl.Int64,
    "text_sha256": pl.String,
    "path": pl.String,
    "line": pl.Int64,
}
"""A row for each report that was read.

``sides`` is the JSON of the result's sides, ``atoms`` that of the basic atoms by side, by which the
course of a patient is judged; empty where there are none.
"""

MENTIONS: dict[str, Any] = {
    "row": pl.Int64,
    "report_id": pl.String,
    "id": pl.Int64,
    "finding": pl.String,
    "quote": pl.String,
    "start": pl.Int64,
    "end": pl.Int64,
    "status": pl.String,
    "certainty": pl.String,
    "sites": pl.List(pl.String),
    "laterality": pl.String,
    "severity": pl.String,
    "extent": pl.String,
    "change": pl.String,
    "method": pl.String,
    "experiencer": pl.String,
    "section": pl.String,
    "rule": pl.String,
    "cues": pl.String,
    "context": pl.String,
}
"""A row for each mention; ``cues`` is JSON, ``context`` the words around the quote."""

FAILURES: dict[str, Any] = {
    "row": pl.Int64,
    "path": pl.String,
    "line": pl.Int64,
    "report_id": pl.String,
    "stage": pl.String,
    "code": pl.String,
    "detail": pl.String,
}
"""A row for each that is in no other table, with its place and reason and never its text."""

_CONTEXT_CHARS = 90
# ``json.dumps`` makes an encoder for each call that asks for anything but its defaults.
_json = json.JSONEncoder(ensure_ascii=False).encode
_sorted_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
_ascii_json = json.JSONEncoder(sort_keys=True).encode


def text_digest(text: str) -> str:
    """Return the SHA-256 of a report's text, by which it is known again without being kept."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def report_row(entry: SourceReport, row: int, text_sha256: str) -> dict[str, Any]:
    """Return the row of one report as it was read; without any id it is named by its place."""
    report = entry.report
    return {
        "row": row,
        "path": entry.path,
        "line": entry.line,
        "source": entry.source,
        "report_id": report.report_id,
        "patient_id": report.patient.id,
        "age_years": report.patient.age_years,
        "sex": report.patient.sex,
        "pregnancy": report.patient.pregnancy,
        "modality": report.study.modality,
        "description": report.study.description,
        "study_date": report.study.date,
        "accession": report.study.accession,
        "issued": entry.issued,
        "remarks": list(entry.remarks),
        "text_sha256": text_sha256,
        "text": report.text,
    }


def assessment_row(row: dict[str, Any], result: Result) -> dict[str, Any]:
    """Return the row of one result, with where its report came from."""
    assessment, study, patient = result.assessment, result.study, result.patient
    kept = ("row", "source", "accession", "patient_id", "study_date", "description", "path", "line")
    sides = {name: _side_facts(side) for name, side in assessment.sides.items()}
    return {
        **{name: row[name] for name in kept},
        "report_id": row["report_id"],
        "modality": study.modality,
        "in_scope": study.in_scope,
        "is_densitometry": study.is_densitometry,
        "is_nondiagnostic": study.is_nondiagnostic,
        "laterality": str(study.laterality),
        "age_years": patient.age_years,
        "sex": patient.sex,
        "pregnancy": patient.pregnancy,
        "onset_atraumatic": patient.onset_atraumatic,
        "definition": assessment.definition,
        "level": str(assessment.level),
        "side": _text(assessment.side),
        "rule": assessment.rule,
        "subtype": assessment.subtype,
        "activity": _text(assessment.activity),
        "flags": list(assessment.flags),
        "sides": _sorted_json(sides),
        "atoms": _ascii_json(assessment.atoms) if assessment.atoms else None,
        "mentions": len(result.mentions),
        "remarks": row["remarks"],
        "text_chars": len(row["text"]),
        "text_sha256": row["text_sha256"],
    }


def _side_facts(side: SideAssessment) -> dict[str, Any]:
    """Return a side as ``Result.to_dict`` has it, without copying the whole result."""
    return {
        "level": side.level,
        "rule": side.rule,
        **{kind: _evidence(getattr(side, kind)) for kind in ("core", "minor", "hard", "soft")},
        "missing": side.missing,
    }


def _evidence(items: Iterable[Evidence]) -> list[dict[str, Any]]:
    return [{"atom": item.atom, "mentions": item.mentions} for item in items]


def mention_row(row: dict[str, Any], mention: Mention) -> dict[str, Any]:
    """Return the row of one mention."""
    cues = [
        {"category": cue.category, "quote": cue.quote, "start": cue.start, "end": cue.end}
        for cue in mention.cues
    ]
    return {
        "row": row["row"],
        "report_id": row["report_id"],
        "id": mention.id,
        "finding": mention.finding,
        "quote": mention.quote,
        "start": mention.start,
        "end": mention.end,
        "status": str(mention.status),
        "certainty": _text(mention.certainty),
        "sites": list(mention.sites),
        "laterality": str(mention.laterality),
        "severity": mention.severity,
        "extent": mention.extent,
        "change": mention.change,
        "method": mention.method,
        "experiencer": str(mention.experiencer),
        "section": str(mention.section),
        "rule": mention.rule,
        "cues": _json(cues) if cues else "[]",
        "context": context(row["text"], mention.start, mention.end),
    }


def failure_row(row: dict[str, Any], code: str, detail: str) -> dict[str, Any]:
    """Return the row of a report that was read from the archive and could not be extracted."""
    return {
        "row": row["row"],
        "path": row["path"],
        "line": row["line"],
        "report_id": row["report_id"],
        "stage": "extract",
        "code": code,
        "detail": detail,
    }


def context(text: str, start: int, end: int) -> str:
    """Return the quote with up to 90 characters on each side, cut at words, blanks folded."""
    before, after = text[max(0, start - _CONTEXT_CHARS) : start], text[end : end + _CONTEXT_CHARS]
    if start > _CONTEXT_CHARS:
        before = "… " + before.partition(" ")[2]
    if end + _CONTEXT_CHARS < len(text):
        after = after.rpartition(" ")[0] + " …"
    return " ".join(f"{before}{text[start:end]}{after}".split())


def frame(rows: list[dict[str, Any]], schema: dict[str, Any]) -> pl.DataFrame:
    """Return rows as a table of exactly these columns."""
    return pl.DataFrame(
        [_column(name, [row[name] for row in rows], kind) for name, kind in schema.items()]
    )


def _column(name: str, values: list[Any], kind: Any) -> pl.Series:
    """Return a column; of lists, each different one is made once: polars takes long for lists."""
    if not isinstance(kind, pl.List):
        return pl.Series(name, values, kind)
    places: dict[tuple[Any, ...], int] = {}
    at = [places.setdefault(tuple(value), len(places)) for value in values]
    different = pl.Series(name, [list(value) for value in places], kind)
    return different.gather(pl.Series(at, dtype=pl.UInt32))


def _text(value: object) -> str | None:
    return None if value is None else str(value)
