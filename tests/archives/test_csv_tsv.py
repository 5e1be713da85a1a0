from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archives import ColumnsError, Entry, Mapping, MappingError, Refusal, SourceReport, read

if TYPE_CHECKING:
    from pathlib import Path


def read_bytes(
    tmp_path: Path, data: bytes, *, name: str = "export.csv", **kwargs: object
) -> list[Entry]:
    path = tmp_path / name
    path.write_bytes(data)
    return list(read([path], **kwargs))  # type: ignore[arg-type]


def only(entries: list[Entry]) -> SourceReport:
    assert len(entries) == 1
    assert isinstance(entries[0], SourceReport)
    return entries[0]


def test_columns_are_known_by_the_names_that_systems_give_them(tmp_path: Path) -> None:
    entry = only(
        read_bytes(
            tmp_path,
            b"Accession Number,MRN,Patient Age,Gender,Study Date,Modality,StudyDescription,Report Text\n"
            b"A1,P7,047Y,Male,2021-03-04,MRI,MRI HIP LEFT,No effusion.\n",
        )
    )
    report = entry.report
    assert report.text == "No effusion."
    assert report.study.accession == "A1"
    assert report.study.date == "2021-03-04"
    assert report.study.modality == "MR"
    assert report.study.description == "MRI HIP LEFT"
    assert (report.patient.id, report.patient.age_years, report.patient.sex) == ("P7", 47, "M")


def test_text_is_left_as_it_stands_with_its_quoted_line_breaks_and_line_number(
    tmp_path: Path,
) -> None:
    entries = read_bytes(tmp_path, b'id,text\n1,"  one\r\ntwo ""three"" "\n2,next\n')
    assert [entry.line for entry in entries] == [2, 4]
    assert isinstance(entries[0], SourceReport)
    assert entries[0].report.text == '  one\r\ntwo "three" '


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found_in_the_header(tmp_path: Path, delimiter: str) -> None:
    data = delimiter.join(["id", "text"]) + "\n" + delimiter.join(["7", "Effusion"]) + "\n"
    entry = only(read_bytes(tmp_path, data.encode()))
    assert (entry.report.report_id, entry.report.text) == ("7", "Effusion")


def test_one_row_in_another_encoding_does_not_change_the_others(tmp_path: Path) -> None:
    data = "id,text\n1,±60 % œdème\n".encode() + "2,±60 % hip déjà vu\n".encode("latin-1")
    entries = read_bytes(tmp_path, data)
    texts = [entry.report.text for entry in entries if isinstance(entry, SourceReport)]
    assert texts == ["±60 % œdème", "±60 % hip déjà vu"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_not_part_of_the_first_column(tmp_path: Path, encoding: str) -> None:
    entry = only(read_bytes(tmp_path, "text,id\nÖdem,9\n".encode(encoding)))
    assert (entry.report.text, entry.report.report_id) == ("Ödem", "9")


def test_rows_that_may_be_shifted_are_refused_with_their_line_and_never_their_text(
    tmp_path: Path,
) -> None:
    entries = read_bytes(tmp_path, b"id,sex,text\n1,F\n2,F,fine,secret words\n3,F,fine,\n4,F,\n")
    assert [type(entry) for entry in entries] == [Refusal, Refusal, SourceReport, Refusal]
    codes = [(entry.line, entry.code) for entry in entries if isinstance(entry, Refusal)]
    assert codes == [
        (2, "wrong_number_of_columns"),
        (3, "wrong_number_of_columns"),
        (5, "no_text"),
    ]
    assert "secret" not in repr([entry for entry in entries if isinstance(entry, Refusal)])


def test_a_field_of_fifty_megabytes_is_refused_and_the_next_row_is_read(tmp_path: Path) -> None:
    entries = read_bytes(tmp_path, b"id,text\n1," + b"x" * 50_000_000 + b"\n2,fine\n")
    assert isinstance(entries[0], Refusal)
    assert entries[0].code == "row_unreadable"
    assert isinstance(entries[1], SourceReport)
    assert (entries[1].line, entries[1].report.text) == (3, "fine")


def test_mapping_wins_over_recognition_and_joins_parts(tmp_path: Path) -> None:
    data = b"id,text,findings,impression\n1,ignored,Effusion.,Normal.\n"
    mapping = Mapping.parse(["text=findings+impression", "accession=id"])
    entry = only(read_bytes(tmp_path, data, mapping=mapping))
    assert entry.report.text == "FINDINGS:\nEffusion.\nIMPRESSION:\nNormal."
    assert entry.report.study.accession == "1"


def test_reports_in_parts_are_recognised_where_no_column_holds_the_whole(tmp_path: Path) -> None:
    entry = only(read_bytes(tmp_path, b"id,Impression,Findings\n1,Normal.,Effusion.\n"))
    assert entry.report.text == "FINDINGS:\nEffusion.\nIMPRESSION:\nNormal."


def test_a_table_without_text_says_how_to_map_it(tmp_path: Path) -> None:
    with pytest.raises(ColumnsError, match=r"--map text=COLUMN.*columns are: a, b"):
        read_bytes(tmp_path, b"a,b\n1,2\n")


@pytest.mark.parametrize("argument", ["text", "text=", "colour=red"])
def test_mappings_that_cannot_be_used_are_refused(argument: str) -> None:
    with pytest.raises(MappingError):
        Mapping.parse([argument])


def test_values_that_cannot_be_read_are_remarked_not_guessed(tmp_path: Path) -> None:
    data = b"id,text,age,sex,date,modality\n1,Fine,old,?,03/04/2021,ZZ\n"
    entry = only(read_bytes(tmp_path, data))
    assert entry.report.patient.age_years is None
    assert entry.report.study.date is None
    assert set(entry.remarks) == {
        "age_years_not_read", "sex_not_read", "date_not_read", "modality_not_read",
    }  # fmt: skip
    day_first = only(read_bytes(tmp_path, data, mapping=Mapping(day_first=True)))
    assert day_first.report.study.date == "2021-04-03"


def test_age_is_counted_from_birth_to_examination(tmp_path: Path) -> None:
    entry = only(read_bytes(tmp_path, b"text,dob,date\nFine,1980-06-15,2021-06-14\n"))
    assert entry.report.patient.age_years == 40


def test_an_empty_file_is_one_refusal(tmp_path: Path) -> None:
    entries = read_bytes(tmp_path, b"")
    assert [entry.code for entry in entries if isinstance(entry, Refusal)] == ["empty_file"]
