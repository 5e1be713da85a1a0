from __future__ import annotations

import csv
from datetime import date, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from archives import ColumnsError, Mapping, Refusal, SourceReport, Table, read, read_batches
from archives.parquet import BATCH_ROWS

if TYPE_CHECKING:
    from pathlib import Path

ROWS = {
    "accession": ["A1", " A2 ", None, "A4"],
    "text": ["No effusion.", " ", "Œdema.\n", None],
    "Patient Age": ["47Y", "18M", "old", "5"],
    "sex": ["M", "woman", "?", "f"],
    "study_date": ["2020-01-31", "03/04/2021", "13/02/2021", "20200101"],
    "modality": ["MRI", "xr", "ZZ", ""],
    "dob": ["1970-02-01", "", "1990-01-01", ""],
    "verified_at": ["2020-01-31 10:00", "", "2021", ""],
}


def written(tmp_path: Path, frame: pl.DataFrame) -> Path:
    path = tmp_path / "reports.parquet"
    frame.write_parquet(path)
    return path


def test_a_row_of_columns_is_the_same_report_as_a_row_of_csv(tmp_path: Path) -> None:
    parquet = written(tmp_path, pl.DataFrame(ROWS))
    table = tmp_path / "reports.csv"
    with table.open("w", newline="") as stream:
        csv.writer(stream).writerows([list(ROWS), *zip(*ROWS.values(), strict=True)])
    ours: list[SourceReport | Refusal] = []
    for day_first in (None, True):
        mapping = Mapping(day_first=day_first)
        ours, theirs = list(read([parquet], mapping)), list(read([table], mapping))
        assert [_facts(one) for one in ours] == [_facts(one) for one in theirs]
    assert [one.line for one in ours] == [1, 2, 3, 4]


def _facts(entry: SourceReport | Refusal) -> object:
    if isinstance(entry, Refusal):
        return entry.code, entry.detail
    return entry.report, entry.source, entry.issued, entry.remarks


def test_dates_numbers_and_parts_of_a_report_are_read_whatever_their_type(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "id": [7], "findings": ["Clear."], "impression": ["Normal."], "age": [47.0],
            "study_date": [date(2020, 2, 1)], "issued": [datetime(2020, 2, 1, 8, 30)],  # noqa: DTZ001
            "sex": [["M"]],
        }
    )  # fmt: skip
    (entry,) = read([written(tmp_path, frame)])
    assert isinstance(entry, SourceReport)
    assert entry.report.text == "FINDINGS:\nClear.\nIMPRESSION:\nNormal."
    assert (entry.report.report_id, entry.report.patient.age_years) == ("7", 47)
    assert (entry.report.study.date, entry.issued) == ("2020-02-01", "2020-02-01T08:30:00")
    assert entry.report.patient.sex is None


def test_a_large_file_comes_in_batches_in_its_order(tmp_path: Path) -> None:
    number = 2 * BATCH_ROWS + 7
    path = written(tmp_path, pl.DataFrame({"text": [f"Report {n}" for n in range(number)]}))
    tables = list(read_batches([path]))
    assert all(isinstance(one, Table) and one.rows <= BATCH_ROWS for one in tables)
    lines = [line for one in tables if isinstance(one, Table) for line in one.reports["line"]]
    assert lines == list(range(1, number + 1))


def test_what_is_no_table_of_reports_is_said(tmp_path: Path) -> None:
    with pytest.raises(ColumnsError):
        list(read([written(tmp_path, pl.DataFrame({"a": [1]}))]))
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 nothing")
    (entry,) = read([broken])
    assert isinstance(entry, Refusal)
    assert entry.code == "file_unreadable"


def test_a_cut_file_is_one_refusal(tmp_path: Path) -> None:
    path = written(tmp_path, pl.DataFrame({"text": [f"Report {n}" for n in range(1000)]}))
    path.write_bytes(path.read_bytes()[:-100])
    (entry,) = read([path])
    assert isinstance(entry, Refusal)
    assert entry.code == "file_unreadable"


def test_the_rows_of_a_damaged_part_are_listed_and_the_others_read(tmp_path: Path) -> None:
    number = 3 * BATCH_ROWS
    frame = pl.DataFrame({"text": [f"Report {n * n}" for n in range(number)]})
    path = tmp_path / "reports.parquet"
    frame.write_parquet(path, row_group_size=BATCH_ROWS, compression="zstd")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 64] = bytes(64)
    path.write_bytes(data)
    entries = list(read([path]))
    refused = [entry.line for entry in entries if isinstance(entry, Refusal)]
    assert refused == list(range(BATCH_ROWS + 1, 2 * BATCH_ROWS + 1))
    assert [entry.line for entry in entries] == list(range(1, number + 1))


def test_omop_notes_are_the_same_from_parquet_as_from_csv(tmp_path: Path) -> None:
    notes = {
        "NOTE_ID": [7, 8], "PERSON_ID": [55, 56], "NOTE_DATE": [date(2021, 3, 4)] * 2,
        "NOTE_DATETIME": [datetime(2021, 3, 4, 10, 15)] * 2,  # noqa: DTZ001
        "NOTE_TITLE": ["MRI HIP LEFT", ""], "NOTE_TEXT": ["No effusion.", None],
    }  # fmt: skip
    frame = pl.DataFrame(notes)
    table = tmp_path / "note.csv"
    frame.write_csv(table)
    ours, theirs = list(read([written(tmp_path, frame)])), list(read([table]))
    assert [_facts(one) for one in ours] == [_facts(one) for one in theirs]
    assert isinstance(ours[0], SourceReport)
    assert ours[0].issued == "2021-03-04T10:15:00"
