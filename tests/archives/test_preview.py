"""What a dry run says of an archive: columns, how often fields are filled, refusals; never any text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archives import Mapping
from archives.preview import preview

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
