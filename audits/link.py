"""Link the reports of one patient over time, and the hips that are cases.

First form: the reports of a patient in the order of their dates. The rules that change a level by
its course (regional osteopenia after a normal film, resolution, contradiction by later necrosis)
build on these rows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from audits import tables

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

from extractor.model import CASE_LEVELS, Level

LEVELS = tuple(str(level) for level in Level)
"""Strongest first."""

TIMELINE: dict[str, Any] = {
    "patient_id": pl.String,
    "sequence": pl.Int64,
    "study_date": pl.String,
    "days_since_first": pl.Int64,
    **{
        name: tables.ASSESSMENTS[name]
        for name in (
            "report_id", "row", "source", "accession", "modality", "description", "in_scope",
            "age_years", "sex", "pregnancy", "level", "side", "rule", "activity", "subtype",
        )
    },
    **dict.fromkeys(("left", "right", "unspecified", "highest_so_far"), pl.String),
}  # fmt: skip
"""Columns of ``patients.parquet``; ``left``, ``right``, ``unspecified`` are levels of that hip."""


def link_patients(assessments: pl.DataFrame) -> pl.DataFrame:
    """Return the timelines: a row for each report with a patient id and a date, in order.

    Reports without either are not linked: a wrong link is worse than none. The key is the id,
    never a name.
    """
    dated = assessments.filter(
        pl.col("patient_id").is_not_null() & pl.col("study_date").is_not_null()
    ).sort("patient_id", "study_date", "row")
    day = pl.col("study_date").str.to_date(strict=False)
    rank = pl.col("level").replace_strict(
        {level: number for number, level in enumerate(LEVELS)}, return_dtype=pl.Int64
    )
    sides = [
        pl.col("sides").str.json_path_match(f"$.{side}.level").alias(side)
        for side in ("left", "right", "unspecified")
    ]
    return dated.with_columns(
        pl.int_range(1, pl.len() + 1).over("patient_id").alias("sequence"),
        (day - day.min().over("patient_id")).dt.total_days().alias("days_since_first"),
        rank.cum_min()
        .over("patient_id")
        .replace_strict(dict(enumerate(LEVELS)), return_dtype=pl.String)
        .alias("highest_so_far"),
        *sides,
    ).select(pl.col(name).cast(kind) for name, kind in TIMELINE.items())


_Quotes = dict[int, dict[int, dict[str, Any]]]
"""The mentions of each row by their ids."""


@dataclass(frozen=True, slots=True)
class _Hip:
    """One side of one report that reaches a level of the tag."""

    row: dict[str, Any]
    side: str
    facts: dict[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        """Which hip of which patient; a report without a patient id stands for itself."""
        patient = self.row["patient_id"]
        return (f"p {patient}" if patient else f"r {self.row['row']}", self.side)

    @property
    def rank(self) -> tuple[int, str, int]:
        """The strongest level first, then the earliest report."""
        level = LEVELS.index(self.facts["level"])
        return level, self.row["study_date"] or "9999", self.row["row"]


def find_cases(
    assessments: pl.LazyFrame,
    mentions: pl.LazyFrame,
    *,
    titles: Mapping[str, str] | None = None,
    naming: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Return a row for each probable side: its strongest report with the evidence in quotes.

    Several reports of one side of one patient are one case; ``reports`` counts them and
    ``report_ids`` names them in the order of their dates. ``titles`` say what the atoms mean;
    mentions of the findings in ``naming`` (the disease by its name) are quoted as ``named``.
    """
    levels = [str(level) for level in CASE_LEVELS]
    tagged = assessments.filter(pl.col("level").is_in(levels)).collect()
    hips: dict[tuple[str, str], list[_Hip]] = {}
    for row in tagged.iter_rows(named=True):
        for side, facts in json.loads(row["sides"]).items():
            if facts["level"] in CASE_LEVELS:
                hip = _Hip(row, side, facts)
                hips.setdefault(hip.key, []).append(hip)
    wanted = mentions.join(tagged.lazy().select("row"), on="row", how="semi").collect()
    quotes: _Quotes = {}
    for mention in wanted.iter_rows(named=True):
        quotes.setdefault(mention["row"], {})[mention["id"]] = mention
    cases = [_case(group, quotes, titles or {}, naming) for group in hips.values()]
    cases.sort(key=_order)
    return [{"case": number, **case} for number, case in enumerate(cases, start=1)]


def _order(case: dict[str, Any]) -> tuple[int, str, int, str]:
    """Strongest first, then by date and place."""
    date = case["study_date"] or "9999"
    return LEVELS.index(case["level"]), date, case["row"], case["side"]


def _case(
    hips: list[_Hip], quotes: _Quotes, titles: Mapping[str, str], naming: Collection[str]
) -> dict[str, Any]:
    """Return one case from all reports of one side."""
    best = min(hips, key=lambda hip: hip.rank)
    ordered = sorted(hips, key=lambda hip: (hip.row["study_date"] or "9999", hip.row["row"]))
    mentions = quotes.get(best.row["row"], {})
    evidence = {
        kind: [_evidence(item, mentions, titles) for item in best.facts[kind]]
        for kind in ("core", "minor", "hard", "soft")
    }
    kept = (
        "row", "report_id", "patient_id", "accession", "source", "study_date", "modality",
        "description", "age_years", "sex", "pregnancy", "definition", "subtype", "activity",
        "flags", "path", "line",
    )  # fmt: skip
    return {
        **{name: best.row[name] for name in kept},
        "side": best.side,
        "level": best.facts["level"],
        "rule": best.facts["rule"],
        "missing": [titles.get(atom, atom) for atom in best.facts["missing"]],
        "named": _named(best.side, mentions, naming),
        **evidence,
        "reports": len(ordered),
        "report_ids": [hip.row["report_id"] for hip in ordered],
    }


def _named(
    side: str, mentions: dict[int, dict[str, Any]], naming: Collection[str]
) -> list[dict[str, Any]]:
    """Return where the report names the disease, of this side or of none, and how surely."""
    return [
        {
            "atom": "",
            "title": " ".join(filter(None, (mention["status"], mention["certainty"]))),
            "quotes": [mention["quote"]],
            "contexts": [(mention["context"], mention["quote"])],
        }
        for mention in mentions.values()
        if mention["finding"] in naming
        and mention["experiencer"] == "patient"
        and (mention["laterality"] in {side, "bilateral", "unspecified"} or side == "unspecified")
    ]


def _evidence(
    item: dict[str, Any], mentions: dict[int, dict[str, Any]], titles: Mapping[str, str]
) -> dict[str, Any]:
    """Return an atom with the words that it rests on."""
    found = [mentions[number] for number in item["mentions"] if number in mentions]
    return {
        "atom": item["atom"],
        "title": titles.get(item["atom"], ""),
        "quotes": [mention["quote"] for mention in found],
        "contexts": [(mention["context"], mention["quote"]) for mention in found],
    }
