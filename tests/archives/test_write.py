from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from archives.write import NOTICE, safe_cell, write_csv, write_json, write_table

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " =", "|"])
def test_cells_that_a_spreadsheet_would_run_are_made_text(start: str) -> None:
    assert safe_cell(f"{start}cmd|'/C calc'!A0").startswith("'")


def test_numbers_stay_numbers_and_nothing_is_empty() -> None:
    assert [safe_cell(value) for value in (-4, 1.5, None, True, "hip")] == [
        "-4",
        "1.5",
        "",
        "true",
        "hip",
    ]


def test_csv_opens_in_a_spreadsheet_with_quotes_and_line_breaks(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    write_csv([{"quote": 'marrow "oedema"\nœ', "n": 1}], ["n", "quote"], path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        assert list(csv.reader(stream)) == [["n", "quote"], ["1", 'marrow "oedema"\nœ']]


def test_equal_tables_are_equal_files_and_carry_the_notice(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": list(range(200_000)), "b": ["x", "y"] * 100_000})
    one, two = tmp_path / "1.parquet", tmp_path / "2.parquet"
    write_table(frame, one)
    write_table(pl.concat([frame[:70_001], frame[70_001:]]), two)
    assert one.read_bytes() == two.read_bytes()
    assert pl.read_parquet_metadata(one)["marrow:notice"] == NOTICE


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    write_json({"b": 1, "a": 2}, path)
    assert list(json.loads(path.read_text())) == ["a", "b"]
    with pytest.raises(TypeError):
        write_json({"a": 1, "c": object()}, path)
    assert json.loads(path.read_text()) == {"a": 2, "b": 1}
    assert list(tmp_path.iterdir()) == [path]
