"""The words of some reports of an audit, read again from its archive: the results do not keep them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl

from archives import Mapping, Refusal, read
from audits import tables
from audits.errors import AuditChangedError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from audits.layout import Layout


def read_texts(layout: Layout, archives: Sequence[Path], rows: Collection[int]) -> dict[int, str]:
    """Return the texts of the reports of these rows.

    Raises:
        ArchiveError: the archive cannot be read.
        AuditChangedError: it is not the archive that was audited.

    """
    arguments = json.loads(layout.metadata.read_text(encoding="utf-8"))["arguments"]
    columns = {name: tuple(found) for name, found in arguments["map"].items()}
    mapping = Mapping(columns, day_first=arguments["day_first"])
    last = max(rows, default=0)
    wanted = set(rows)
    texts: dict[int, str] = {}
    for row, entry in enumerate(read(archives, mapping), start=1):
        if row in wanted and not isinstance(entry, Refusal):
            texts[row] = entry.report.text
        if row >= last:
            break
    if _digests(layout, wanted) != {row: tables.text_digest(text) for row, text in texts.items()}:
        raise AuditChangedError(
            f"The archive is not the one that was audited in {layout.out}; give the same files in the same order."
        )
    return texts


def _digests(layout: Layout, rows: Collection[int]) -> dict[int, str]:
    found = (
        pl.scan_parquet(layout.out / "assessments.parquet", glob=False)
        .filter(pl.col("row").is_in(list(rows)))
        .select("row", "text_sha256")
        .collect()
    )
    return dict(found.iter_rows())
