"""Link the reports of one patient over time, and the hips that are cases.

The rules that change a level by its course (regional osteopenia after a normal film, resolution,
contradiction by later necrosis) build on these rows: see ``audits.timelines``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from audits import tables

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from audits.timelines import LinkedCourse, Timelines

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
    day = pl.col("study_date").str.to_date(strict=False)
    dated = assessments.filter(pl.col("patient_id").is_not_null() & day.is_not_null()).sort(
        "patient_id", "study_date", "row"
    )
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
    """One side of one report that reaches a level of the tag, or is raised to it by its course."""

    row: dict[str, Any]
    side: str
    facts: dict[str, Any]
    patient: str | None
    """``None`` where the id is missing or cannot be one person's: the report stands for itself."""

    @property
    def key(self) -> tuple[str, str]:
        """Which hip of which patient."""
        return (f"p {self.patient}" if self.patient else f"r {self.row['row']}", self.side)

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
    timelines: Timelines | None = None,
) -> list[dict[str, Any]]:
    """Return a row for each probable side: its strongest report with the evidence in quotes.

    Several reports of one side of one patient are one case; ``reports`` counts them and
    ``report_ids`` names them in the order of their dates. ``titles`` say what the atoms mean;
    mentions of the findings in ``naming`` (the disease by its name) are quoted as ``named``. The
    level is the patient's where ``timelines`` know it: a side that its course raises is a case, one
    that it contradicts is none.
    """
    courses = timelines.courses if timelines else {}
    hips, tagged = _hips(assessments, courses, timelines.doubtful if timelines else ())
    # A join promises no order, and the first of several quotes is the one that is told.
    saying = mentions.join(tagged.lazy().select("row"), on="row", how="semi")
    wanted = saying.sort("row", "id").collect()
    quotes: _Quotes = {}
    for mention in wanted.iter_rows(named=True):
        quotes.setdefault(mention["row"], {})[mention["id"]] = mention
    cases = []
    for group in hips:
        course = courses.get((group[0].patient or "", group[0].side))
        if course is None or course.course.level in CASE_LEVELS:
            case = _case(group, quotes, titles or {}, naming)
            cases.append({**case, **_by_course(case, group, course)})
    cases.sort(key=_order)
    return [{"case": number, **case} for number, case in enumerate(cases, start=1)]


def _hips(
    assessments: pl.LazyFrame,
    courses: Mapping[tuple[str, str], LinkedCourse],
    doubtful: Collection[str],
) -> tuple[list[list[_Hip]], pl.DataFrame]:
    """Return the sides of the tag, those of one hip together, and the rows of their reports."""
    raised = {key: one for key, one in courses.items() if one.is_raised}
    rows = sorted({report.row for one in raised.values() for report in one.reports.values()})
    levels = [str(level) for level in CASE_LEVELS]
    is_tagged = pl.col("level").is_in(levels) | pl.col("row").is_in(rows)
    tagged = assessments.filter(is_tagged).sort("row").collect()
    hips: dict[tuple[str, str], list[_Hip]] = {}
    for row in tagged.iter_rows(named=True):
        patient = None if row["patient_id"] in doubtful else row["patient_id"]
        for side, facts in json.loads(row["sides"]).items():
            if facts["level"] in CASE_LEVELS or (patient, side) in raised:
                hip = _Hip(row, side, facts, patient)
                hips.setdefault(hip.key, []).append(hip)
    return list(hips.values()), tagged


def _by_course(
    case: dict[str, Any], hips: list[_Hip], course: LinkedCourse | None
) -> dict[str, Any]:
    """Return what the course makes of a case: its level and why, and the reports behind it."""
    if course is None:
        return {"report_level": case["level"], "course": []}
    behind = {(one.study_date, one.row): one.report_id for one in course.reports.values()}
    behind |= {
        (hip.row["study_date"] or "9999", hip.row["row"]): hip.row["report_id"] for hip in hips
    }
    undated = [hip.facts["level"] for hip in hips if not hip.row["study_date"]]
    return {
        "level": min([str(course.course.level), *undated], key=LEVELS.index),
        "report_level": case["level"],
        "subtype": course.course.subtype or case["subtype"],
        "flags": sorted({*case["flags"], *course.course.flags}),
        "course": [course.facts(step) for step in course.changes],
        "reports": len(behind),
        "report_ids": [behind[key] for key in sorted(behind)],
    }


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
