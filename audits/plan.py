"""Plan: read the archive once, leave out what is there twice, cut the rest into shards."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import polars as pl

from archives.write import write_table
from audits import tables
from audits.model import Plan, Shard
from audits.plan_file import list_inputs, save_plan
from audits.staging import stage
from audits.versions import decide

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
    definition: dict[str, Any] | None = None,
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
    identities = [layout.staged_identities(number) for number in range(staged.batches)]
    kept, duplicates, superseded = decide(pl.scan_parquet(identities, glob=False))
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
        definition=definition or {},
        undesired=staged.undesired,
    )
    save_plan(plan, layout)
    return plan


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
    rows = pl.read_parquet(source, glob=False, columns=["row"])["row"]
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
        write_table(pl.read_parquet(source, glob=False).filter(wanted), target)
    return int(wanted.sum())
