"""Summarise: counts of everything, in which every row of the archive is found again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from archives.write import NOTICE
from audits.link import LEVELS
from audits.model import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from audits.mention_counts import MentionCounts
    from audits.model import Plan

AGE_BANDS = (0, 18, 30, 40, 50, 60, 70, 80)
"""Where age bands begin, in years."""


class FailureCounts:
    """Rows that were lost, by stage and reason."""

    def __init__(self) -> None:
        self._by_reason: Counter[tuple[str, str]] = Counter()

    def counted(self, failures: pl.DataFrame) -> pl.DataFrame:
        """Count some failures and return them."""
        self._by_reason.update(failures.select("stage", "code").iter_rows())
        return failures

    def of_stage(self, stage: Stage) -> int:
        """Return how many were lost there."""
        return sum(rows for (lost_at, _), rows in self._by_reason.items() if lost_at == stage)

    def rows(self) -> list[dict[str, Any]]:
        """Return how many rows were lost to each reason."""
        return [
            {"stage": stage, "code": code, "reports": rows}
            for (stage, code), rows in sorted(self._by_reason.items())
        ]


@dataclass(slots=True)
class PatientCounts:
    """Patients and their linked reports."""

    reports: int = 0
    patients: int = 0
    with_several_reports: int = 0

    def counting(self, timelines: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield timelines, each patient whole in one of them, and count them on the way."""
        for rows in timelines:
            sizes = rows["patient_id"].value_counts()["count"]
            self.reports += rows.height
            self.patients += len(sizes)
            self.with_several_reports += int((sizes > 1).sum())
            yield rows


def summarise(
    plan: Plan,
    assessments: pl.LazyFrame,
    mentions: MentionCounts,
    *,
    failures: FailureCounts,
    patients: PatientCounts,
    cases: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return the content of ``summary.json``."""
    in_scope = assessments.filter(pl.col("in_scope"))
    extracted = _height(assessments)
    return {
        "notice": NOTICE,
        "engine": plan.identity["engine"],
        "focus": plan.identity["focus"],
        "definition": assessments.select("definition").head(1).collect()["definition"].to_list(),
        "attrition": attrition(
            plan,
            extracted=extracted,
            in_scope=_height(in_scope),
            failed=failures.of_stage(Stage.EXTRACT),
        ),
        "levels": _counts(in_scope, "level", LEVELS),
        "level_by_modality": levels_by(in_scope, pl.col("modality").fill_null("unknown")),
        "level_by_year": levels_by(in_scope, pl.col("study_date").str.head(4).fill_null("unknown")),
        "age_sex": age_sex(in_scope),
        "findings": mentions.findings(),
        "findings_together": mentions.together(),
        "cases": _case_counts(cases, in_scope),
        "patients": {
            "linked_reports": patients.reports,
            "unlinked_reports": extracted - patients.reports,
            "patients": patients.patients,
            "patients_with_several_reports": patients.with_several_reports,
        },
        "failures": failures.rows(),
        "remarks": _remarks(assessments),
    }


def attrition(plan: Plan, *, extracted: int, in_scope: int, failed: int) -> list[dict[str, Any]]:
    """Return the way from rows to cases; each step names what it leaves out.

    Raises:
        AssertionError: the numbers do not add up, which would be a fault of ours.

    """
    read = plan.rows_read - plan.refused - plan.undesired
    by_day = [_step("undesired", "of other days than those asked for", -plan.undesired)]
    steps = [
        _step("rows", "Rows, messages and files in the archive", plan.rows_read),
        _step("refused", "could not be read", -plan.refused),
        *(by_day if {"since", "until"} & plan.identity.keys() else ()),
        _step("duplicates", "exact duplicates", -plan.duplicates),
        _step("superseded", "replaced by a newer version", -plan.superseded),
        _step("reports", "Reports", plan.planned),
        _step("failed", "failed during extraction", -failed),
        _step("extracted", "Reports extracted", extracted),
        _step("out_of_scope", "do not show the examined region", in_scope - extracted),
        _step("in_scope", "Reports in scope", in_scope),
    ]
    if (
        read - plan.duplicates - plan.superseded != plan.planned
        or plan.planned - failed != extracted
    ):
        raise AssertionError(f"The attrition does not add up: {steps}")
    return steps


def _step(name: str, label: str, reports: int) -> dict[str, Any]:
    return {"step": name, "label": label, "reports": reports}


def levels_by(assessments: pl.LazyFrame, key: pl.Expr) -> list[dict[str, Any]]:
    """Return how many reports have each level, for each value of ``key``."""
    counted = (
        assessments.group_by(key.alias("key"), "level")
        .agg(pl.len().alias("n"))
        .sort("key", "level")
        .collect()
    )
    rows: dict[str, dict[str, Any]] = {}
    for group, level, number in counted.iter_rows():
        row = rows.setdefault(group, {"key": group, "total": 0, **dict.fromkeys(LEVELS, 0)})
        row[level] += number
        row["total"] += number
    return list(rows.values())


def age_sex(assessments: pl.LazyFrame) -> list[dict[str, Any]]:
    """Return reports and tagged reports for each band of age and each sex."""
    band = pl.lit(None, dtype=pl.Int64)
    for start in AGE_BANDS:
        band = pl.when(pl.col("age_years") >= start).then(start).otherwise(band)
    tagged = pl.col("level").is_in(["stated", "probable"])
    counted = (
        assessments.group_by(band.alias("band"), pl.col("sex").fill_null("unknown"))
        .agg(
            pl.len().alias("reports"),
            tagged.sum().alias("tagged"),
            (pl.col("level") == "possible").sum().alias("possible"),
        )
        .sort("band", "sex", nulls_last=True)
        .collect()
    )
    return [{**row, "band": _band_label(row["band"])} for row in counted.iter_rows(named=True)]


def _band_label(start: int | None) -> str:
    if start is None:
        return "unknown"
    following = [other for other in AGE_BANDS if other > start]
    return f"{start}-{following[0] - 1}" if following else f"{start}+"


def _height(frame: pl.LazyFrame) -> int:
    return int(frame.select(pl.len()).collect()["len"][0])


def _counts(frame: pl.LazyFrame, column: str, values: tuple[str, ...]) -> dict[str, int]:
    found = dict(frame.group_by(column).agg(pl.len()).collect().iter_rows())
    return {value: found.get(value, 0) for value in values}


def _case_counts(cases: list[dict[str, Any]], in_scope: pl.LazyFrame) -> dict[str, Any]:
    tagged = (
        in_scope.filter(pl.col("level").is_in(["stated", "probable"]))
        .select("patient_id")
        .collect()
    )
    return {
        "hips": len(cases),
        "hips_stated": sum(case["level"] == "stated" for case in cases),
        "hips_probable": sum(case["level"] == "probable" for case in cases),
        "reports": tagged.height,
        "patients": tagged["patient_id"].drop_nulls().n_unique(),
        "reports_without_patient": tagged["patient_id"].null_count(),
        "review_list": _height(in_scope.filter(pl.col("level") == "possible")),
    }


def _remarks(assessments: pl.LazyFrame) -> list[dict[str, Any]]:
    counted = assessments.select(pl.col("remarks").explode()).drop_nulls()
    return (
        counted.group_by("remarks")
        .agg(pl.len().alias("reports"))
        .sort("remarks")
        .rename({"remarks": "code"})
        .collect()
        .to_dicts()
    )
