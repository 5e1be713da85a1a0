"""Patient ids that cannot be those of one person: "UNKNOWN", "0", a number that was given twice.

Reports under such an id are not linked: a wrong link is worse than none.
"""

from __future__ import annotations

import polars as pl

MOST_REPORTS = 500
"""More reports in scope than this are not of one person's hips."""
BIRTH_YEARS_APART = 10
"""Years of birth, by age and date, that are further apart are not of one person."""
_FEW = 2
_SHARE = 0.25
"""A sex that is told twice, and by a quarter of the reports, is no slip of one report."""


def doubtful_ids(reports: pl.DataFrame) -> pl.Series:
    """Return the patient ids under which more than one person's reports stand, in order.

    ``reports`` holds all reports of its patients.
    """
    born = pl.col("study_date").str.head(4).cast(pl.Int64, strict=False) - pl.col("age_years")
    male, female = ((pl.col("sex") == sex).sum() for sex in ("M", "F"))
    fewer = pl.min_horizontal("male", "female")
    told = (
        reports.filter(pl.col("patient_id").is_not_null())
        .group_by("patient_id")
        .agg(
            (born.max() - born.min()).alias("apart"),
            male.alias("male"),
            female.alias("female"),
            pl.col("in_scope").sum().alias("in_scope"),
        )
    )
    doubtful = (
        (pl.col("apart") > BIRTH_YEARS_APART)
        | (pl.col("in_scope") > MOST_REPORTS)
        | ((fewer >= _FEW) & (fewer >= _SHARE * (pl.col("male") + pl.col("female"))))
    )
    return told.filter(doubtful.fill_null(value=False))["patient_id"].sort()
