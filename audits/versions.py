"""Which reports are versions of one another, and which of them is kept."""

from __future__ import annotations

import polars as pl

REPORTS_AT_ONCE = 1_000_000
"""Reports whose identities are compared at a time: some 100 MB."""


def identify(reports: pl.DataFrame) -> pl.DataFrame:
    """Return for each report what it is a version of, in 128 bits: an archive has millions.

    Reports are versions of one another when source, accession and patient agree (or the report's
    own id where there is no accession). Without either, only an equal text of the same patient and
    day is a duplicate; reports that carry no identity at all are each their own, because nothing
    shows that two normal ones are one.
    """
    text = {name: pl.col(name).fill_null("") for name in ("source", "patient_id", "study_date")}
    by_number = pl.when(pl.col("accession").is_not_null()).then(
        pl.format("a\x1f{}\x1f{}\x1f{}", text["source"], pl.col("accession"), text["patient_id"])
    )
    by_id = by_number.when(pl.col("report_id").is_not_null()).then(
        pl.format("i\x1f{}\x1f{}\x1f{}", text["source"], pl.col("report_id"), text["patient_id"])
    )
    by_day = by_id.when(
        pl.col("patient_id").is_not_null() & pl.col("study_date").is_not_null()
    ).then(
        pl.format(
            "d\x1f{}\x1f{}\x1f{}\x1f{}",
            text["source"],
            text["patient_id"],
            text["study_date"],
            pl.col("text_sha256"),
        )
    )
    identity = by_day.otherwise(pl.format("r\x1f{}", pl.col("row")))
    return reports.select(
        "row",
        pl.col("issued").fill_null(""),
        identity.hash(1).alias("identity"),
        identity.hash(2).alias("more"),
        pl.col("text_sha256").hash(1).alias("text"),
    )


def decide(identities: pl.LazyFrame) -> tuple[pl.Series, int, int]:
    """Return the rows to keep, and how many were exact duplicates and how many superseded.

    Of the versions of a report the newest by time of issue, then by place, is kept. Versions of
    one another have the same identity, so reports are compared a share of all identities at a time.
    """
    reports = int(identities.select(pl.len()).collect()["len"][0])
    shares = reports // REPORTS_AT_ONCE + 1
    kept = [pl.Series("row", [], pl.Int64)]
    duplicates = superseded = 0
    for share in range(shares):
        groups = (
            identities.filter(pl.col("identity") % shares == share)
            .collect()
            .sort("issued", "row")
            .group_by("identity", "more")
            .agg(
                pl.col("row").last(),
                pl.len().cast(pl.Int64).alias("rows"),
                pl.col("text").n_unique().cast(pl.Int64).alias("texts"),
            )
        )
        kept.append(groups["row"])
        duplicates += int((groups["rows"] - groups["texts"]).sum())
        superseded += int((groups["texts"] - 1).sum())
    return pl.concat(kept).sort(), duplicates, superseded
