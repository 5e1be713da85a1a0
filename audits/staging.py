"""Stage an archive: read it once, in batches of columns, and put each report where it is worked on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from archives import Refusal, Table, read_batches
from archives.write import write_table
from audits import tables
from audits.model import Stage
from audits.versions import identify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from audits.layout import Layout
    from audits.model import AuditArguments

BATCH_ROWS = 20_000
_BATCH_CHARS = 64 * 1024 * 1024
"""Long reports make a batch of fewer rows: the memory of a batch is bounded."""
_ROWS_BETWEEN_NEWS = 500


class Splitter(Protocol):
    """Parts the reports that are to be read from those that need no reading."""

    def split(self, reports: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the reports to read, and the rows of ``assessments`` of the others."""


@dataclass(slots=True)
class Staged:
    """What was read and where it lies."""

    parts: int = 0
    """Files of reports to read, each of a shard's size."""
    passed: int = 0
    """Files of rows of reports that need no reading."""
    rows: int = 0
    refusals: list[dict[str, Any]] = field(default_factory=list)
    undesired: int = 0
    """Reports of other days than those asked for."""
    batches: int = 0
    """Files of what each report is a version of."""


def stage(
    arguments: AuditArguments,
    layout: Layout,
    *,
    splitter: Splitter | None,
    on_rows: Callable[[int], None],
) -> Staged:
    """Read the archive and write its reports in parts of a shard's size.

    ``splitter`` sees whole batches; what it holds back is written without its text.

    Raises:
        ArchiveError: the archive cannot be read at all.

    """
    staged = Staged()
    waiting = pl.DataFrame(schema=tables.REPORTS)
    _write_identities(waiting, layout, staged)
    wanted = _wanted(arguments)
    for read in _batches(arguments, staged, on_rows):
        batch = read.filter(wanted)
        staged.undesired += read.height - batch.height
        _write_identities(batch, layout, staged)
        named = batch.with_columns(_identifier())
        if splitter is not None:
            named, passed = splitter.split(named)
            staged.passed += 1
            write_table(passed, layout.staged_passed(staged.passed))
        waiting = pl.concat([waiting, named])
        while waiting.height >= arguments.shard_reports:
            _write_part(waiting.head(arguments.shard_reports), layout, staged)
            waiting = waiting.slice(arguments.shard_reports)
    if waiting.height:
        _write_part(waiting, layout, staged)
    on_rows(staged.rows)
    return staged


def _wanted(arguments: AuditArguments) -> pl.Expr:
    """Return whether a report is of the days asked for; one without a date may be, and stays."""
    wanted = pl.lit(value=True)
    day = pl.col("study_date").str.head(len("2020-01-01"))
    if arguments.since is not None:
        wanted &= day >= arguments.since.isoformat()
    if arguments.until is not None:
        wanted &= day <= arguments.until.isoformat()
    return wanted | pl.col("study_date").is_null()


def _write_identities(batch: pl.DataFrame, layout: Layout, staged: Staged) -> None:
    write_table(identify(batch), layout.staged_identities(staged.batches))
    staged.batches += 1


def _identifier() -> pl.Expr:
    """Return what a report is called in the results: without any id its place."""
    place = pl.format("{}:{}", pl.col("path"), pl.col("line"))
    return pl.coalesce("report_id", "accession", place).alias("report_id")


def _write_part(part: pl.DataFrame, layout: Layout, staged: Staged) -> None:
    staged.parts += 1
    write_table(part, layout.staged_file(staged.parts))


def _batches(
    arguments: AuditArguments, staged: Staged, on_rows: Callable[[int], None]
) -> Iterator[pl.DataFrame]:
    """Yield the reports in frames, numbered as they are read; note the refusals on the way."""
    rows: list[dict[str, Any]] = []
    chars = 0
    for item in read_batches(arguments.archives, arguments.mapping):
        if isinstance(item, Table):
            if rows:
                yield tables.frame(rows, tables.REPORTS)
                rows, chars = [], 0
            yield _numbered(item, staged)
            on_rows(staged.rows)
            continue
        staged.rows += 1
        if isinstance(item, Refusal):
            staged.refusals.append(_refusal_row(item, staged.rows))
        else:
            rows.append(tables.report_row(item, staged.rows, tables.text_digest(item.report.text)))
            chars += len(item.report.text)
        if len(rows) >= BATCH_ROWS or chars >= _BATCH_CHARS:
            yield tables.frame(rows, tables.REPORTS)
            rows, chars = [], 0
        if staged.rows % _ROWS_BETWEEN_NEWS == 0:
            on_rows(staged.rows)
    if rows:
        yield tables.frame(rows, tables.REPORTS)


def _numbered(table: Table, staged: Staged) -> pl.DataFrame:
    """Return a table's reports with their numbers and the digests of their texts."""
    before = staged.rows - table.first + 1
    staged.rows += table.rows
    staged.refusals += [_refusal_row(one, before + one.line) for one in table.refusals()]
    digests = [tables.text_digest(text) for text in table.reports["text"].to_list()]
    return table.reports.with_columns(
        (pl.col("line") + before).alias("row"), pl.Series("text_sha256", digests, pl.String)
    ).select(list(tables.REPORTS))


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
