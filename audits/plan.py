"""Plan: read the archive once, leave out what is there twice, cut the rest into shards."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING, Any

import polars as pl

from archives import Refusal, read
from archives.write import write_table
from audits import tables
from audits.model import Plan, Shard, Stage
from audits.plan_file import list_inputs, save_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from audits.layout import Layout
    from audits.model import AuditArguments


def plan_archive(
    arguments: AuditArguments,
    layout: Layout,
    *,
    engine: dict[str, Any],
    titles: dict[str, str] | None = None,
    naming: tuple[str, ...] = (),
    on_rows: Callable[[int], None] = lambda _rows: None,
) -> Plan:
    """Read the archive and write its shards; an earlier, unfinished plan is thrown away.

    ``on_rows`` hears how many rows have been read so far.

    Raises:
        ArchiveError: the archive cannot be read at all.

    """
    shutil.rmtree(layout.work, ignore_errors=True)
    for folder in (layout.staged, layout.shard(0).parent, layout.result(0).parent):
        folder.mkdir(parents=True)
    inputs = list_inputs(arguments)
    parts, refusals, rows_read = _stage(arguments, layout, on_rows)
    write_table(tables.frame(refusals, tables.FAILURES), layout.refusals)
    kept, duplicates, superseded = decide(_keys(layout, parts))
    shards = _write_shards(layout, parts, kept)
    shutil.rmtree(layout.staged)
    plan = Plan(
        inputs=inputs,
        identity={**arguments.identity(), "engine": engine},
        titles=titles or {},
        naming=naming,
        rows_read=rows_read,
        refused=len(refusals),
        duplicates=duplicates,
        superseded=superseded,
        planned=len(kept),
        shards=tuple(shards),
    )
    save_plan(plan, layout)
    return plan


def _stage(
    arguments: AuditArguments, layout: Layout, on_rows: Callable[[int], None]
) -> tuple[int, list[dict[str, Any]], int]:
    """Write what is read in parts of a shard's size; return their number, refusals and rows."""
    rows: list[dict[str, Any]] = []
    refusals: list[dict[str, Any]] = []
    parts = row = 0
    for row, entry in enumerate(read(arguments.archives, arguments.mapping), start=1):
        if isinstance(entry, Refusal):
            refusals.append(_refusal_row(entry, row))
        else:
            digest = hashlib.sha256(entry.report.text.encode("utf-8", "surrogatepass")).hexdigest()
            rows.append(tables.report_row(entry, row, digest))
        if len(rows) == arguments.shard_reports:
            parts += 1
            write_table(tables.frame(rows, tables.REPORTS), layout.staged_file(parts))
            rows = []
        if row % 500 == 0:
            on_rows(row)
    if rows:
        parts += 1
        write_table(tables.frame(rows, tables.REPORTS), layout.staged_file(parts))
    on_rows(row)
    return parts, refusals, row


def _refusal_row(entry: Refusal, row: int) -> dict[str, Any]:
    return {
        "row": row,
        "path": entry.path,
        "line": entry.line,
        "report_id": None,
        "stage": str(Stage.READ),
        "code": entry.code,
        "detail": entry.detail,
    }


def _keys(layout: Layout, parts: int) -> pl.DataFrame:
    """Return of every staged report what tells whether it is another one again."""
    columns = [
        "row", "source", "accession", "report_id", "patient_id", "study_date", "issued",
        "text_sha256",
    ]  # fmt: skip
    frames = [
        pl.read_parquet(layout.staged_file(number), columns=columns)
        for number in range(1, parts + 1)
    ]
    empty = pl.DataFrame(schema={name: tables.REPORTS[name] for name in columns})
    return pl.concat([empty, *frames])


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


def _write_shards(layout: Layout, parts: int, kept: set[int]) -> list[Shard]:
    """Write what is kept of each part as the shard of the same number."""
    wanted = pl.Series(sorted(kept), dtype=pl.Int64)
    place = pl.format("{}:{}", pl.col("path"), pl.col("line"))
    shards = []
    for number in range(1, parts + 1):
        part = pl.read_parquet(layout.staged_file(number))
        shard = part.filter(pl.col("row").is_in(wanted.implode())).with_columns(
            pl.coalesce("report_id", "accession", place).alias("report_id")
        )
        if shard.height:
            write_table(shard, layout.shard(number))
            shards.append(Shard(number, shard.height))
    return shards
