"""Summarise: counts of everything, in which every row of the archive is found again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from archives.write import NOTICE
from audits.link import LEVELS

if TYPE_CHECKING:
    from audits.model import Plan

AGE_BANDS = (0, 18, 30, 40, 50, 60, 70, 80)
"""Where age bands begin, in years."""


def summarise(
    plan: Plan,
    assessments: pl.DataFrame,
    mentions: pl.DataFrame,
    *,
    failures: pl.DataFrame,
    patients: pl.DataFrame,
    cases: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return the content of ``summary.json``."""
    in_scope = assessments.filter(pl.col("in_scope"))
    return {
        "notice": NOTICE,
        "engine": plan.identity["engine"],
        "focus": plan.identity["focus"],
        "definition": assessments["definition"].head(1).to_list(),
        "attrition": attrition(plan, assessments, failures),
        "levels": _counts(in_scope, "level", LEVELS),
        "level_by_modality": levels_by(in_scope, pl.col("modality").fill_null("unknown")),
        "level_by_year": levels_by(in_scope, pl.col("study_date").str.head(4).fill_null("unknown")),
        "age_sex": age_sex(in_scope),
        "findings": findings(mentions),
        "findings_together": findings_together(mentions),
        "cases": _case_counts(cases, in_scope),
        "patients": _patient_counts(assessments, patients),
        "failures": failure_counts(failures),
        "remarks": _remarks(assessments),
    }


def attrition(
    plan: Plan, assessments: pl.DataFrame, failures: pl.DataFrame
) -> list[dict[str, Any]]:
    """Return the way from rows to cases; each step names what it leaves out.

    Raises:
        AssertionError: the numbers do not add up, which would be a fault of ours.

    """
    failed = failures.filter(pl.col("stage") == "extract").height
    in_scope = assessments.filter(pl.col("in_scope"))
    read = plan.rows_read - plan.refused
    steps = [
        _step("rows", "Rows, messages and files in the archive", plan.rows_read),
        _step("refused", "could not be read", -plan.refused),
        _step("duplicates", "exact duplicates", -plan.duplicates),
        _step("superseded", "replaced by a newer version", -plan.superseded),
        _step("reports", "Reports", plan.planned),
        _step("failed", "failed during extraction", -failed),
        _step("extracted", "Reports extracted", assessments.height),
        _step(
            "out_of_scope", "do not show the examined region", in_scope.height - assessments.height
        ),
        _step("in_scope", "Reports in scope", in_scope.height),
    ]
    if (
        read - plan.duplicates - plan.superseded != plan.planned
        or plan.planned - failed != assessments.height
    ):
        raise AssertionError(f"The attrition does not add up: {steps}")
    return steps


def _step(name: str, label: str, reports: int) -> dict[str, Any]:
    return {"step": name, "label": label, "reports": reports}


def levels_by(assessments: pl.DataFrame, key: pl.Expr) -> list[dict[str, Any]]:
    """Return how many reports have each level, for each value of ``key``."""
    counted = (
        assessments.group_by(key.alias("key"), "level")
        .agg(pl.len().alias("n"))
        .sort("key", "level")
    )
    rows: dict[str, dict[str, Any]] = {}
    for group, level, number in counted.iter_rows():
        row = rows.setdefault(group, {"key": group, "total": 0, **dict.fromkeys(LEVELS, 0)})
        row[level] += number
        row["total"] += number
    return list(rows.values())


def age_sex(assessments: pl.DataFrame) -> list[dict[str, Any]]:
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
    )
    return [{**row, "band": _band_label(row["band"])} for row in counted.iter_rows(named=True)]


def _band_label(start: int | None) -> str:
    if start is None:
        return "unknown"
    following = [other for other in AGE_BANDS if other > start]
    return f"{start}-{following[0] - 1}" if following else f"{start}+"


def findings(mentions: pl.DataFrame) -> list[dict[str, Any]]:
    """Return for each finding its mentions by status and the reports that affirm it."""
    statuses = ("affirmed", "negated", "uncertain", "historical", "hypothetical")
    own = pl.col("experiencer") == "patient"
    counted = (
        mentions.group_by("finding")
        .agg(
            pl.len().alias("mentions"),
            *[(pl.col("status") == status).sum().alias(status) for status in statuses],
            pl.col("row")
            .filter((pl.col("status") == "affirmed") & own)
            .n_unique()
            .alias("reports_affirming"),
        )
        .sort("finding")
    )
    return counted.to_dicts()


def findings_together(mentions: pl.DataFrame) -> list[dict[str, Any]]:
    """Return for each pair of findings how many reports affirm both of the patient."""
    affirmed = (
        mentions.filter((pl.col("status") == "affirmed") & (pl.col("experiencer") == "patient"))
        .select("row", "finding")
        .unique()
    )
    pairs = (
        affirmed.join(affirmed, on="row")
        .filter(pl.col("finding") < pl.col("finding_right"))
        .group_by("finding", "finding_right")
        .agg(pl.len().alias("reports"))
        .sort(["reports", "finding", "finding_right"], descending=[True, False, False])
    )
    return [
        {"findings": [first, second], "reports": number}
        for first, second, number in pairs.iter_rows()
    ]


def failure_counts(failures: pl.DataFrame) -> list[dict[str, Any]]:
    """Return how many rows were lost to each reason."""
    counted = failures.group_by("stage", "code").agg(pl.len().alias("reports"))
    return counted.sort("stage", "code").to_dicts()


def _counts(frame: pl.DataFrame, column: str, values: tuple[str, ...]) -> dict[str, int]:
    found = dict(frame.group_by(column).agg(pl.len()).iter_rows())
    return {value: found.get(value, 0) for value in values}


def _case_counts(cases: list[dict[str, Any]], in_scope: pl.DataFrame) -> dict[str, Any]:
    tagged = in_scope.filter(pl.col("level").is_in(["stated", "probable"]))
    return {
        "hips": len(cases),
        "hips_stated": sum(case["level"] == "stated" for case in cases),
        "hips_probable": sum(case["level"] == "probable" for case in cases),
        "reports": tagged.height,
        "patients": tagged["patient_id"].drop_nulls().n_unique(),
        "reports_without_patient": tagged["patient_id"].null_count(),
        "review_list": in_scope.filter(pl.col("level") == "possible").height,
    }


def _patient_counts(assessments: pl.DataFrame, patients: pl.DataFrame) -> dict[str, int]:
    sizes = patients.group_by("patient_id").agg(pl.len().alias("n"))
    return {
        "linked_reports": patients.height,
        "unlinked_reports": assessments.height - patients.height,
        "patients": sizes.height,
        "patients_with_several_reports": sizes.filter(pl.col("n") > 1).height,
    }


def _remarks(assessments: pl.DataFrame) -> list[dict[str, Any]]:
    counted = assessments.select(pl.col("remarks").explode()).drop_nulls()
    return (
        counted.group_by("remarks")
        .agg(pl.len().alias("reports"))
        .sort("remarks")
        .rename({"remarks": "code"})
        .to_dicts()
    )
