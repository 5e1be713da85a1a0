"""What a dry run says of an archive: columns, how often fields are filled, refusals; never any text."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from archives import Mapping
from archives.preview import Days, preview

if TYPE_CHECKING:
    from pathlib import Path

CSV = """MRN,Report_Body,Sex,StudyDate,Extra
1,No effusion.,F,2020-01-02,x
2,Oedema of the hip.,,2020-13-02,y
3,,M,2020-01-04,z
"""


def test_columns_fields_and_refusals_of_a_table_are_told(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(CSV)
    (one,) = preview([path], Mapping(), rows=100)
    assert one.columns == {
        "patient_id": "MRN",
        "sex": "Sex",
        "date": "StudyDate",
        "text": "Report_Body",
    }
    assert (one.reports, one.filled["patient_id"], one.filled["sex"], one.filled["date"]) == (
        2,
        2,
        1,
        1,
    )
    assert [(refusal.line, refusal.code) for refusal in one.refusals] == [(4, "no_text")]
    assert one.remarks == {"date_not_read"}


def test_no_more_rows_are_read_than_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(CSV)
    (one,) = preview([path], Mapping(), rows=1)
    assert one.reports == 1


def test_a_mapped_column_is_told(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(CSV)
    (one,) = preview([path], Mapping.parse(["accession=Extra"]), rows=100)
    assert (one.columns["accession"], one.filled["accession"]) == ("Extra", 2)


def test_formats_and_encodings_of_the_files_of_a_folder_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(CSV)
    (tmp_path / "b.csv").write_bytes("text\nKnochenmarködem der Hüfte.\n".encode("cp1252"))
    (tmp_path / "c.csv").write_bytes("text\nÖdem.\n".encode("utf-16"))
    (tmp_path / "d.jsonl").write_text('{"text": "No effusion."}\n')
    (tmp_path / "e.xyz").write_text("x")
    (one,) = preview([tmp_path], Mapping())
    assert one.formats == {"csv": 3, "json_lines": 1}
    assert one.encodings == {"utf-8": 2, "cp1252": 1, "utf-16": 1}
    assert [refusal.code for refusal in one.refusals] == ["no_text", "unknown_format"]


def test_reports_of_other_days_are_counted_and_those_without_a_date_stay(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("text,date\na,2020-01-01\nb,2020-06-30T23:59\nc,\nd,2021-01-01\n")
    (one,) = preview([path], Mapping(), days=Days(date(2020, 1, 2), date(2020, 6, 30)))
    assert (one.reports, one.undesired) == (4, 2)
