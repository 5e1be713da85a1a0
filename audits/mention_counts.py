"""Counts of mentions, added up frame by frame; a frame holds all mentions of its reports."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

import polars as pl

from extractor.model import Experiencer, Status

_STATUSES = tuple(str(status) for status in Status)


class MentionCounts:
    """How often findings are said, denied and found together."""

    def __init__(self) -> None:
        self._by_finding: dict[str, Counter[str]] = {}
        self._together: Counter[tuple[str, ...]] = Counter()

    def add(self, mentions: pl.DataFrame) -> None:
        """Count the mentions of some reports."""
        own = (pl.col("experiencer") == str(Experiencer.PATIENT)) & (
            pl.col("status") == str(Status.AFFIRMED)
        )
        counted = mentions.group_by("finding").agg(
            pl.len().alias("mentions"),
            *[(pl.col("status") == status).sum().alias(status) for status in _STATUSES],
            pl.col("row").filter(own).n_unique().alias("reports_affirming"),
        )
        for row in counted.iter_rows(named=True):
            self._by_finding.setdefault(row.pop("finding"), Counter()).update(row)
        sets = (
            mentions.filter(own)
            .group_by("row")
            .agg(pl.col("finding").unique().sort())
            .group_by("finding")
            .agg(pl.len().alias("reports"))
        )
        for names, reports in sets.iter_rows():
            self._together[tuple(names)] += reports

    def findings(self) -> list[dict[str, Any]]:
        """Return for each finding its mentions by status and the reports that affirm it."""
        columns = ("mentions", *_STATUSES, "reports_affirming")
        return [
            {"finding": name, **{column: counts[column] for column in columns}}
            for name, counts in sorted(self._by_finding.items())
        ]

    def together(self) -> list[dict[str, Any]]:
        """Return for each pair of findings how many reports affirm both of the patient."""
        pairs: Counter[tuple[str, str]] = Counter()
        for names, reports in self._together.items():
            for pair in combinations(names, 2):
                pairs[pair] += reports
        ordered = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
        return [{"findings": list(pair), "reports": reports} for pair, reports in ordered]
