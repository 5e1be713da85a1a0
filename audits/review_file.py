"""The sheet that reviewers fill in, and the decisions read back from it."""

from __future__ import annotations

import csv
from enum import StrEnum
from typing import TYPE_CHECKING

from archives.write import write_csv
from audits.errors import ReviewError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from audits.sampling import Sample

COLUMNS = (
    "item",
    "report_id",
    "accession",
    "study_date",
    "path",
    "line",
    "text",
    "decision",
    "comment",
)


class Decision(StrEnum):
    """What a reviewer says of a report."""

    CASE = "case"
    """It shows the disease, surely or probably."""
    NO_CASE = "no_case"
    UNCLEAR = "unclear"
    """It cannot be told from the report."""


def write_review(sample: Sample, path: Path, *, texts: Mapping[int, str] | None = None) -> None:
    """Write the sheet, without level or stratum: who judges must not know them.

    ``texts`` are the reports' words by row; without them the reviewer looks them up by accession.
    """
    rows = (
        {
            **{name: getattr(one, name) for name in COLUMNS[:6]},
            "text": (texts or {}).get(one.row),
        }
        for one in sample.items
    )
    write_csv(rows, COLUMNS, path)


def read_review(path: Path, items: Collection[str]) -> dict[str, Decision]:
    """Return the decisions of a filled-in sheet by item; rows without one are left out.

    Raises:
        ReviewError: a sheet that cannot be read, an unknown item, an unknown or a second decision.

    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReviewError(f"{path} cannot be read as CSV: {type(error).__name__}") from None
    found: dict[str, Decision] = {}
    for number, row in enumerate(rows, start=2):
        word = (row.get("decision") or "").strip().lower().replace(" ", "_").replace("-", "_")
        item = (row.get("item") or "").strip()
        if not word:
            continue
        if item not in items:
            raise ReviewError(f"{path}, row {number}: the item is not of this sample")
        if word not in {str(one) for one in Decision}:
            choices = ", ".join(Decision)
            raise ReviewError(f"{path}, row {number}: the decision is none of {choices}")
        if item in found:
            raise ReviewError(f"{path}, row {number}: item {item} was decided above already")
        found[item] = Decision(word)
    return found
