"""A finished audit of OMOP NOTE tables as the table NOTE_NLP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from archives.write import ROW_GROUP_ROWS
from audits.errors import NotFinishedError
from audits.gathering import write_frames
from standards.omop import note_nlp_row, system_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from audits.layout import Layout

NOTE_NLP: dict[str, Any] = {
    "note_nlp_id": pl.Int64,
    "note_id": pl.Int64,
    "section_concept_id": pl.Int32,
    "snippet": pl.String,
    "offset": pl.String,
    "lexical_variant": pl.String,
    "note_nlp_concept_id": pl.Int32,
    "note_nlp_source_concept_id": pl.Int32,
    "nlp_system": pl.String,
    "nlp_date": pl.Date,
    "nlp_datetime": pl.Datetime("us"),
    "term_exists": pl.String,
    "term_temporal": pl.String,
    "term_modifiers": pl.String,
}
"""The columns of the CDM, version 5.4, in its order."""
_MOST_DIGITS = 18


@dataclass(slots=True)
class Written:
    """How many mentions became rows, and how many are of reports whose id is no ``note_id``."""

    rows: int = 0
    left_out: int = 0


def write_note_nlp(layout: Layout, path: Path) -> Written:
    """Write the table as Parquet and say how much there is.

    A row for each mention, in the order of the archive. Its date is when the audit was finished.

    Raises:
        NotFinishedError: the directory holds no finished audit.

    """
    if not layout.metadata.exists():
        raise NotFinishedError(
            f"{layout.out} holds no finished audit; finish it with marrow audit ... --resume."
        )
    metadata = json.loads(layout.metadata.read_text(encoding="utf-8"))
    written = Written()
    rows = _rows(
        layout,
        written,
        system=system_name(metadata["engine"]),
        at=datetime.fromisoformat(metadata["run"]["finished_at"]).astimezone(UTC),
    )
    write_frames(rows, path, schema=NOTE_NLP)
    return written


def _rows(layout: Layout, written: Written, *, system: str, at: datetime) -> Iterator[pl.DataFrame]:
    """Yield the rows in parts, each of a row group of mentions."""
    table = pl.scan_parquet(layout.out / "mentions.parquet", glob=False)
    height = table.select(pl.len()).collect().item()
    for start in range(0, height, ROW_GROUP_ROWS):
        rows = []
        for mention in table.slice(start, ROW_GROUP_ROWS).collect().iter_rows(named=True):
            note_id = _note_id(mention["report_id"])
            if note_id is None:
                written.left_out += 1
                continue
            written.rows += 1
            rows.append(
                note_nlp_row(mention, id_=written.rows, note_id=note_id, system=system, at=at)
            )
        yield pl.DataFrame(rows, schema=NOTE_NLP)


def _note_id(report_id: str | None) -> int | None:
    """Return a report's id as a ``note_id``, which is a number; ``None`` where it is none."""
    told = report_id or ""
    is_number = told.isascii() and told.isdigit() and len(told) <= _MOST_DIGITS
    return int(told) if is_number else None
