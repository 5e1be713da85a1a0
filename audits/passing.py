"""What the gate holds back, assessed as columns: reports that name nothing of the audited region.

Their rows of results come from the metadata alone (``Extractor.pass_over``), which is asked once
for each different description and for each different patient; no loop runs over the reports.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import polars as pl

from audits import tables
from audits.shard import report_of
from extractor.gate import Gate

if TYPE_CHECKING:
    from extractor import Extractor, Result

_CORES = os.cpu_count() or 1
_EXAMINATION = ("description", "modality")
"""What the facts of a study follow from, where its text is not read."""
_STUDY = ("in_scope", "is_densitometry", "is_nondiagnostic", "laterality")
_PERSON = ("is_densitometry", "age_years", "sex", "pregnancy")
"""What the assessment follows from, where there are no mentions."""
_ASSESSMENT = (
    "onset_atraumatic", "definition", "level", "side", "rule", "subtype", "activity", "flags",
    "sides", "atoms", "mentions",
)  # fmt: skip


class Passing:
    """Parts the reports that are to be read from those that are assessed without reading."""

    def __init__(self, extractor: Extractor) -> None:
        self._extractor = extractor
        self._gate = Gate.of(extractor)
        # The same threads for all batches: polars keeps compiled expressions for each thread.
        self._threads = ThreadPoolExecutor(_CORES)

    def split(self, reports: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the reports to read, and the rows of ``assessments`` of all others (with ``issued``)."""
        read = self._named(reports["text"], reports["description"])
        return reports.filter(read), self._assessed(reports.filter(~read))

    def _named(self, texts: pl.Series, descriptions: pl.Series) -> pl.Series:
        """Ask the gate on every core: polars scans one column in one thread, without Python's lock."""
        size = -(-len(texts) // _CORES) or 1
        parts = self._threads.map(
            lambda start: self._gate.names_scope(
                texts.slice(start, size), descriptions.slice(start, size)
            ),
            range(0, len(texts) or 1, size),
        )
        return pl.concat(list(parts))

    def _assessed(self, reports: pl.DataFrame) -> pl.DataFrame:
        studies = self._each(reports, _EXAMINATION, ("modality", *_STUDY)).rename(
            {"modality_right": "modality_told"}
        )
        known = _joined(reports, studies, _EXAMINATION)
        people = self._each(known, _PERSON, _ASSESSMENT)
        return (
            _joined(known, people, _PERSON)
            .with_columns(
                pl.col("modality_told").alias("modality"),
                pl.col("text").str.len_chars().cast(pl.Int64).alias("text_chars"),
            )
            .select(*tables.ASSESSMENTS, "issued")
        )

    def _each(
        self, reports: pl.DataFrame, keys: tuple[str, ...], told: tuple[str, ...]
    ) -> pl.DataFrame:
        """Return columns of the results for each different value of the keys."""
        firsts = reports.unique(keys, keep="first", maintain_order=True)
        rows = [
            tables.assessment_row(row, self._result(row)) for row in firsts.iter_rows(named=True)
        ]
        found = tables.frame(rows, tables.ASSESSMENTS).select(told)
        both = set(keys) & set(told)
        return firsts.select(keys).hstack(found.rename({name: f"{name}_right" for name in both}))

    def _result(self, row: dict[str, Any]) -> Result:
        return self._extractor.pass_over(report_of(row))


def _joined(left: pl.DataFrame, right: pl.DataFrame, keys: tuple[str, ...]) -> pl.DataFrame:
    """Join what is known of each value to the rows that have it, in their order."""
    return left.join(right, on=list(keys), how="left", nulls_equal=True, maintain_order="left")
