"""Result files: Parquet, CSV and JSON, written whole or not at all."""

from __future__ import annotations

import csv
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import polars as pl

NOTICE = (
    "Marrow is a tool for search and audit, not a diagnosis: "
    "every case is a reading of a report's words and has to be judged by a radiologist."
)
"""Stands in the metadata of every exported file."""

_FORMULA_STARTS = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "|",
    "%",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
)


ROW_GROUP_ROWS = 65_536
"""Rows of a Parquet table that are read together."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` and put it in place when the block ends well."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)  # noqa: PTH105 - atomic, and Path.replace is the same call
    finally:
        temporary.unlink(missing_ok=True)


def write_table(frame: pl.DataFrame, path: Path, *, facts: Mapping[str, str] | None = None) -> None:
    """Write a Parquet table whose bytes depend on its rows only."""
    with replacing(path) as temporary:
        frame.rechunk().write_parquet(
            temporary,
            compression="zstd",
            row_group_size=ROW_GROUP_ROWS,
            metadata=table_metadata(facts),
        )


def table_metadata(facts: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what a Parquet file says of itself."""
    return {"marrow:notice": NOTICE, **{f"marrow:{k}": v for k, v in (facts or {}).items()}}


def write_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], path: Path) -> None:
    """Write a CSV that a spreadsheet opens as text: UTF-8 with a mark, no cell that is a formula."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([safe_cell(row.get(column)) for column in columns])


def safe_cell(value: Any) -> str:
    """Return a cell's text, with an apostrophe before what a spreadsheet would run.

    The rule of the OWASP page on CSV injection. Numbers of ours are written as they are: only
    text, which may come from a report, can hold a formula.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    return f"'{text}" if _is_guarded(text) else text


def unguarded(cell: str) -> str:
    """Return the text that ``safe_cell`` was given."""
    return cell[1:] if cell.startswith("'") and _is_guarded(cell) else cell


def _is_guarded(text: str) -> bool:
    """Whether it would be run, or looks as if it were guarded already: one guard more tells them apart."""
    return text.lstrip("'").lstrip(" ").startswith(_FORMULA_STARTS)


def write_json(value: Any, path: Path) -> None:
    """Write JSON with sorted keys, so that equal values are equal files."""
    with replacing(path) as temporary:
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def write_text(text: str, path: Path) -> None:
    """Write a text file."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
