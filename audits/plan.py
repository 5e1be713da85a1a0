"""Plan: read the archive once, leave out what is there twice, cut the rest into shards."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import polars as pl

from archives.write import write_table
from audits import tables
from audits.model import Plan, Shard
from audits.plan_file import list_inputs, save_plan
from audits.staging import KEYS, stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from audits.layout import Layout
    from audits.model import AuditArguments
    from audits.staging import Splitter, Staged


def plan_archive(
    arguments: AuditArguments,
    layout: Layout,
    *,
    engine: dict[str, Any],
    titles: dict[str, str] | None = None,
    naming: tuple[str, ...] = (),
    splitter: Splitter | None = None,
    on_rows: Callable[[int], None] = lambda _rows: None,
) -> Plan:
    """Read the archive and write its shards; an earlier, unfinished plan is thrown away.

    ``splitter`` holds back what needs no reading; ``on_rows`` hears how many rows have been read.

    Raises:
        ArchiveError: the archive cannot be read at all.

    """
    shutil.rmtree(layout.work, ignore_errors=True)
    for folder in layout.folders:
        folder.mkdir(parents=True)
    inputs = list_inputs(arguments)
    staged = stage(arguments, layout, splitter=splitter, on_rows=on_rows)
    write_table(tables.frame(staged.refusals, tables.FAILURES), layout.refusals)
    rows, duplicates, superseded = decide(_keys(staged))
    kept = pl.Series(sorted(rows), dtype=pl.Int64)
    shards = _write_shards(layout, staged, kept)
    passed = _write_passed(layout, staged, kept)
    shutil.rmtree(layout.staged)
    plan = Plan(
        inputs=inputs,
        identity={**arguments.identity(), "engine": engine},
        titles=titles or {},
        naming=naming,
        rows_read=staged.rows,
        refused=len(staged.refusals),
        duplicates=duplicates,
        superseded=superseded,
        planned=len(kept),
        passed_over=passed,
        shards=tuple(shards),
    )
    save_plan(plan, layout)
    return plan


def _keys(staged: Staged) -> pl.DataFrame:
    """Return of every report what tells whether it is another one again."""
    return pl.concat(
        [pl.DataFrame(schema={name: tables.REPORTS[name] for name in KEYS}), *staged.keys]
    )


def decide(keys: pl.DataFrame) -> tuple[set[int], int, int]:
    """Return the rows to keep, and how many were exact duplicates and how many superseded.

    Reports are versions of one another when source, accession and patient agree (or the report's
    own id where there is no accession): the newest by time of issue, then by place, is kept.
    Without either, only an equal text of the same patient and day is a duplicate; reports that
    carry no identity at all are all kept, because nothing shows that two normal ones are one.
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
    groups = (
        keys.with_columns(identity.alias("identity"), pl.col("issued").fill_null(""))
        .sort("issued", "row")
        .group_by("identity", maintain_order=True)
        .agg(
            pl.col("row").last(),
            pl.len().alias("rows"),
            pl.col("text_sha256").n_unique().alias("texts"),
        )
    )
    duplicates = int((groups["rows"] - groups["texts"]).cast(pl.Int64).sum())
    superseded = int((groups["texts"].cast(pl.Int64) - 1).sum())
    return set(groups["row"].to_list()), duplicates, superseded


def _write_shards(layout: Layout, staged: Staged, kept: pl.Series) -> list[Shard]:
    """Put what is kept of each part in place as the shard of the same number."""
    shards = []
    for number in range(1, staged.parts + 1):
        reports = _keep(layout.staged_file(number), layout.shard(number), kept)
        if reports:
            shards.append(Shard(number, reports))
    return shards


def _write_passed(layout: Layout, staged: Staged, kept: pl.Series) -> int:
    """Put in place the rows of reports that are not read; return how many there are."""
    return sum(
        _keep(layout.staged_passed(number), layout.passed(number), kept)
        for number in range(1, staged.passed + 1)
    )


def _keep(source: Path, target: Path, kept: pl.Series) -> int:
    """Move a part, without the rows that are left out; return how many are left."""
    rows = pl.read_parquet(source, columns=["row"])["row"]
    if rows.is_empty():
        return 0
    first, last = (int(rows[at]) for at in (0, -1))
    here = kept.slice(
        start := int(kept.search_sorted(first)), int(kept.search_sorted(last, "right")) - start
    )
    wanted = rows.is_in(here.implode())
    if wanted.all():
        source.rename(target)
    elif wanted.any():
        write_table(pl.read_parquet(source).filter(wanted), target)
    return int(wanted.sum())
