"""Draw the reports of an audit that people are to judge: seeded, from three strata, blind.

Cases tell how many of those found are right. What was missed can only be seen among the others:
reports that speak of a finding and reached no case are where misses are, and the rest shows that
there are few where nobody would look.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import polars as pl

from archives.write import write_json
from audits.errors import NotFinishedError
from extractor.model import CASE_LEVELS, Level, Status

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from audits.layout import Layout

_SAYING = [str(status) for status in (Status.AFFIRMED, Status.UNCERTAIN)]
_NEAR = [str(level) for level in (Level.POSSIBLE, Level.UNLIKELY)]


class Stratum(StrEnum):
    """From which reports an item was drawn."""

    CASES = "cases"
    """Stated or probable."""
    NAMED = "named"
    """In scope, no case, but a finding is affirmed or doubted, or the level is possible or unlikely."""
    REST = "rest"
    """Every other report that was extracted."""


SIZES: Mapping[Stratum, int] = {Stratum.CASES: 100, Stratum.NAMED: 100, Stratum.REST: 100}
"""What is drawn without being told; a stratum that has fewer is taken whole."""


@dataclass(frozen=True, slots=True)
class Item:
    """One report to be judged; its number says nothing of its stratum."""

    item: str
    stratum: Stratum
    row: int
    report_id: str
    accession: str | None
    study_date: str | None
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Sample:
    """What was drawn, and from how many."""

    patterns_digest: str
    seed: int
    totals: dict[Stratum, int]
    items: tuple[Item, ...]


def draw(layout: Layout, *, sizes: Mapping[Stratum, int], seed: int) -> Sample:
    """Draw a sample from a finished audit; the same audit and seed give the same.

    Raises:
        NotFinishedError: the directory holds no finished audit.

    """
    if not layout.metadata.exists():
        raise NotFinishedError(
            f"{layout.out} holds no finished audit; finish it with marrow audit ... --resume."
        )
    engine = json.loads(layout.metadata.read_text(encoding="utf-8"))["engine"]
    reports = _strata(layout)
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    rows: list[int] = []
    totals: dict[Stratum, int] = {}
    for stratum in Stratum:
        found = reports.filter(pl.col("stratum") == str(stratum))["row"].to_list()
        totals[stratum] = len(found)
        rows += chance.sample(found, min(sizes[stratum], len(found)))
    chance.shuffle(rows)
    known = {row["row"]: row for row in _facts(layout, reports, rows)}
    items = tuple(
        Item(item=f"V{number:04d}", **{**known[row], "stratum": Stratum(known[row]["stratum"])})
        for number, row in enumerate(rows, start=1)
    )
    return Sample(engine["patterns_digest"], seed, totals, items)


def _strata(layout: Layout) -> pl.DataFrame:
    """Return row and stratum of every report."""
    saying = (
        pl.scan_parquet(layout.out / "mentions.parquet", glob=False)
        .filter(pl.col("status").is_in(_SAYING) & (pl.col("experiencer") == "patient"))
        .select("row", pl.lit(value=True).alias("says"))
        .unique()
    )
    named = pl.col("in_scope") & (
        pl.col("says").fill_null(value=False) | pl.col("level").is_in(_NEAR)
    )
    return (
        pl.scan_parquet(layout.out / "assessments.parquet", glob=False)
        .select("row", "level", "in_scope")
        .join(saying, on="row", how="left")
        .select(
            "row",
            pl.when(pl.col("level").is_in([str(level) for level in CASE_LEVELS]))
            .then(pl.lit(str(Stratum.CASES)))
            .when(named)
            .then(pl.lit(str(Stratum.NAMED)))
            .otherwise(pl.lit(str(Stratum.REST)))
            .alias("stratum"),
        )
        .sort("row")
        .collect()
    )


def _facts(layout: Layout, strata: pl.DataFrame, rows: list[int]) -> list[dict[str, Any]]:
    """Return what is known of where each drawn report stands."""
    wanted = strata.lazy().filter(pl.col("row").is_in(rows))
    return (
        pl.scan_parquet(layout.out / "assessments.parquet", glob=False)
        .join(wanted, on="row")
        .select("row", "stratum", "report_id", "accession", "study_date", "path", "line")
        .collect()
        .to_dicts()
    )


def save_sample(sample: Sample, path: Path) -> None:
    """Write the key of a sample: which item is of which stratum. Reviewers must not see it."""
    write_json(asdict(sample), path)


def load_sample(path: Path) -> Sample:
    """Read the key of a sample.

    Raises:
        NotFinishedError: there is none.

    """
    if not path.exists():
        raise NotFinishedError(
            f"There is no sample at {path}; draw one with marrow validation sample."
        )
    value = json.loads(path.read_text(encoding="utf-8"))
    items = tuple(Item(**{**one, "stratum": Stratum(one["stratum"])}) for one in value["items"])
    totals = {Stratum(name): number for name, number in value["totals"].items()}
    return Sample(value["patterns_digest"], value["seed"], totals, items)
