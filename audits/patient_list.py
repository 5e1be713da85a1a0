"""The patients of an audit for people: who has anything to see, and the timeline of one of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from audits.course_model import SIDES
from audits.link import LEVELS

if TYPE_CHECKING:
    from pathlib import Path

_LOWEST = LEVELS.index("none")


def patients_with_levels(path: Path) -> pl.DataFrame:
    """Return a row for each patient of whom any report says more than the lowest level.

    Columns: ``row`` (of his first report, which stands for him in addresses), ``patient_id``,
    ``reports``, ``first`` and ``last`` (dates), for each side its last level, ``level`` (the highest of
    them), ``report_level`` (the highest of any report) and ``course`` (``raised``, ``lowered`` or
    ``as_reported``: the one beside the other). The strongest come first.
    """
    table = pl.scan_parquet(path, glob=False)
    rank = {level: number for number, level in enumerate(LEVELS)}

    def ranked(name: str) -> pl.Expr:
        return pl.col(name).replace_strict(rank, default=None, return_dtype=pl.Int8)

    sides = [pl.col(f"{side}_patient").drop_nulls().last().alias(side) for side in SIDES]
    best_of_report = pl.min_horizontal(*(ranked(side) for side in SIDES)).min()
    found = (
        table.sort("patient_id", "sequence")
        .group_by("patient_id", maintain_order=True)
        .agg(
            pl.col("row").first(),
            pl.len().alias("reports"),
            pl.col("study_date").first().alias("first"),
            pl.col("study_date").last().alias("last"),
            *sides,
            best_of_report.alias("report_rank"),
        )
        .filter(pl.col("report_rank") < _LOWEST)
        .with_columns(rank=pl.min_horizontal(*(ranked(side) for side in SIDES)).fill_null(_LOWEST))
        .sort("rank", "report_rank", "row")
        .collect()
    )
    names = pl.Series("levels", LEVELS)
    return found.with_columns(
        level=names.gather(found["rank"]),
        course=pl.when(pl.col("rank") < pl.col("report_rank"))
        .then(pl.lit("raised"))
        .when(pl.col("rank") > pl.col("report_rank"))
        .then(pl.lit("lowered"))
        .otherwise(pl.lit("as_reported")),
        report_level=names.gather(found["report_rank"]),
    ).drop("rank", "report_rank")


@dataclass(frozen=True, slots=True)
class Timeline:
    """The reports of one patient, in the order of their dates."""

    patient_id: str
    rows: list[dict[str, Any]]
    """Of ``patients.parquet``; ``changes`` has the steps of all sides, each with its ``side``."""
    sides: tuple[str, ...]
    """Of which any report says something."""


def find_timeline(
    path: Path, *, row: int | None = None, patient_id: str | None = None
) -> Timeline | None:
    """Return the timeline of the patient of a row, or of an id; ``None`` where there is none."""
    table = pl.scan_parquet(path, glob=False)
    if patient_id is None:
        named = table.filter(pl.col("row") == row).select("patient_id").collect()
        if not named.height:
            return None
        patient_id = str(named.item())
    rows = table.filter(pl.col("patient_id") == patient_id).sort("sequence").collect().to_dicts()
    if not rows:
        return None
    sides = tuple(side for side in SIDES if any(one[f"{side}_patient"] for one in rows))
    return Timeline(patient_id, [{**one, "changes": _changes(one)} for one in rows], sides)


def _changes(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {**step, "side": side}
        for side in SIDES
        for step in json.loads(row[f"{side}_changes"] or "[]")
    ]
