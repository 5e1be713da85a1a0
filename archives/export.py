"""Result files in other forms, as streams: a table of any size never stands in memory whole."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import polars as pl

from archives.write import ROW_GROUP_ROWS, safe_cell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def table_as_csv(path: Path) -> Iterator[bytes]:
    """Yield a Parquet table as CSV: UTF-8 with a mark, lists joined, no cell that is a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    columns = pl.read_parquet_schema(path)
    writer.writerow(columns)
    yield b"\xef\xbb\xbf" + _taken(out)
    for part in _parts(path):
        for row in part.iter_rows():
            writer.writerow([safe_cell(_joined(value)) for value in row])
        yield _taken(out)


def table_as_ndjson(path: Path) -> Iterator[bytes]:
    """Yield a Parquet table as JSON lines, with the values of the table."""
    for part in _parts(path):
        yield part.write_ndjson().encode()


def _parts(path: Path) -> Iterator[pl.DataFrame]:
    """Yield a table in its row groups; at least one part, empty or not."""
    table = pl.scan_parquet(path, glob=False)
    rows = table.select(pl.len()).collect().item()
    for start in range(0, rows or 1, ROW_GROUP_ROWS):
        yield table.slice(start, ROW_GROUP_ROWS).collect()


def _joined(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _taken(out: io.StringIO) -> bytes:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text.encode()
