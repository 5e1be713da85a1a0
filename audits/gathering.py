"""Gather the results of all shards into tables, a few files at a time: memory does not grow with them.

Shards, and the files of what was passed over, each stand in the order of the archive, and a report
is in one of them; so one pass over both, side by side, has all rows in order.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import polars as pl

from archives.write import replacing, table_metadata
from audits import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from audits.layout import Layout

ROWS_AT_ONCE = 65_536
"""Rows of one part of a table, and of a row group of its file."""
REPORTS_AT_ONCE = 200_000
"""Reports whose patients are linked at a time."""
_SAMPLE = 20_000
"""Ids by which the ranges of patients are chosen."""


def shard_frames(layout: Layout, shards: Iterable[int], name: str) -> Iterator[pl.DataFrame]:
    """Yield one table of each shard, in the order of the archive."""
    for number in shards:
        yield pl.read_parquet(layout.result(number) / f"{name}.parquet", glob=False)


def passed_frames(layout: Layout) -> Iterator[pl.DataFrame]:
    """Yield the assessments of the reports that were not read, in the order of the archive."""
    for path in sorted(layout.passed(0).parent.glob("*.parquet")):
        yield pl.read_parquet(path, glob=False, columns=list(tables.ASSESSMENTS))


def in_order(
    first: Iterator[pl.DataFrame], second: Iterator[pl.DataFrame]
) -> Iterator[pl.DataFrame]:
    """Yield the rows of two streams of frames, each in order of ``row``, as one such stream."""
    one, other = _next(first), _next(second)
    while one is not None and other is not None:
        limit = min(one["row"][-1], other["row"][-1])
        known = pl.col("row") <= limit
        yield pl.concat([one.filter(known), other.filter(known)]).sort("row")
        one = _rest(one, limit) if one["row"][-1] > limit else _next(first)
        other = _rest(other, limit) if other["row"][-1] > limit else _next(second)
    for frame, stream in ((one, first), (other, second)):
        if frame is not None:
            yield frame
            yield from (left for left in stream if left.height)


def _next(stream: Iterator[pl.DataFrame]) -> pl.DataFrame | None:
    """Return the next frame that has rows."""
    return next((frame for frame in stream if frame.height), None)


def _rest(frame: pl.DataFrame, limit: int) -> pl.DataFrame:
    return frame.filter(pl.col("row") > limit)


def write_frames(
    frames: Iterable[pl.DataFrame],
    path: Path,
    *,
    schema: Mapping[str, pl.DataType | type[pl.DataType]],
    facts: Mapping[str, str] | None = None,
) -> None:
    """Write a stream of frames as one Parquet table whose bytes depend on its rows only."""
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-") as folder:
        names = []
        for number, part in enumerate(_parts(frames, schema)):
            names.append(Path(folder) / f"{number:06d}.parquet")
            part.write_parquet(names[-1], compression="lz4")
        with replacing(path) as temporary:
            pl.scan_parquet(names, glob=False).sink_parquet(
                temporary,
                compression="zstd",
                row_group_size=ROWS_AT_ONCE,
                metadata=table_metadata(facts),
            )


def _parts(
    frames: Iterable[pl.DataFrame], schema: Mapping[str, pl.DataType | type[pl.DataType]]
) -> Iterator[pl.DataFrame]:
    """Yield the rows in parts of equal size, at least one, which may be empty."""
    waiting = [pl.DataFrame(schema=schema)]
    height = 0
    first = True
    for frame in frames:
        waiting.append(frame)
        height += frame.height
        if height < ROWS_AT_ONCE:
            continue
        whole = pl.concat(waiting)
        while whole.height >= ROWS_AT_ONCE:
            yield whole.head(ROWS_AT_ONCE).rechunk()
            first = False
            whole = whole.slice(ROWS_AT_ONCE)
        waiting, height = [whole], whole.height
    if height or first:
        yield pl.concat(waiting).rechunk()


def patient_ranges(assessments: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Yield the reports that have a patient id, some patients at a time, in the order of their ids.

    All reports of a patient are in one frame.
    """
    known = assessments.filter(pl.col("patient_id").is_not_null())
    count = int(known.select(pl.len()).collect()["len"][0])
    ids = known.select("patient_id").gather_every(max(1, count // _SAMPLE)).collect()["patient_id"]
    step = max(1, len(ids) * REPORTS_AT_ONCE // max(count, 1))
    bounds = ids.sort().gather_every(step).unique(maintain_order=True).to_list()[1:]
    for low, high in zip([None, *bounds], [*bounds, None], strict=True):
        inside = pl.lit(value=True)
        if low is not None:
            inside &= pl.col("patient_id") >= low
        if high is not None:
            inside &= pl.col("patient_id") < high
        yield known.filter(inside).collect()
