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
    with pytest.raises(ColumnsError, match=r"--map text=COLUMN.*columns are: sex, b"):
        read_bytes(tmp_path, b"sex,b\n1,2\n")


@pytest.mark.parametrize("mapping", [[], ["text=Befund"]])
def test_a_table_without_a_header_shows_none_of_its_first_row(
    tmp_path: Path, mapping: list[str]
) -> None:
    path = tmp_path / "export.csv"
    path.write_text("Smith John,1950-01-01,Oedema of the hip.\nDoe Jane,1960-01-01,Normal.\n")
    with pytest.raises(ColumnsError) as caught:
        list(read([path], Mapping.parse(mapping)))
    told = str(caught.value)
    assert "this may be a row" in told
    assert not any(word in told for word in ("Smith", "1950", "Oedema", "hip"))


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


def test_a_quote_that_is_never_closed_costs_one_row(tmp_path: Path) -> None:
    rows = [f"{n},F,Report {n}." for n in range(2000)]
    rows[3] = '3,F,"Report 3 is cut'
    entries = read_bytes(tmp_path, "\n".join(["id,sex,text", *rows]).encode())
    assert [entry.line for entry in entries if isinstance(entry, Refusal)] == [5]
    assert len(entries) == 2000
    assert [entry.line for entry in entries] == list(range(2, 2002))


def test_a_quote_closed_by_another_row_s_quote_costs_no_row_in_between(tmp_path: Path) -> None:
    rows = [f'{n},F,"Report {n},\nwith two lines."' for n in range(50)]
    rows[3] = '3,"F,Report 3.'
    entries = read_bytes(tmp_path, "\n".join(["id,sex,text", *rows]).encode())
    ids = [entry.report.report_id for entry in entries if isinstance(entry, SourceReport)]
    assert ids == [str(n) for n in range(50) if n != 3]


def test_a_ragged_row_with_line_breaks_is_one_refusal(tmp_path: Path) -> None:
    text = "\n".join(f"line {n}, of the text" for n in range(30))
    data = f'id,sex,text,date\n1,F,"{text}"\n2,F,"{text}",2020-01-01\n'
    entries = read_bytes(tmp_path, data.encode())
    assert [type(entry) for entry in entries] == [Refusal, SourceReport]
    assert [entry.line for entry in entries] == [2, 32]


def test_quotes_escaped_by_a_backslash_are_read(tmp_path: Path) -> None:
    data = b'id,text,sex\n1,"so-called \\"bone bruise\\", old",F\n2,"fine",M\n'
    entries = read_bytes(tmp_path, data)
    texts = [entry.report.text for entry in entries if isinstance(entry, SourceReport)]
    assert texts == ['so-called "bone bruise", old', "fine"]


def test_a_backslash_is_a_letter_where_quotes_are_doubled(tmp_path: Path) -> None:
    entry = only(read_bytes(tmp_path, b'id,text\n1,"see ""C:\\scans\\"" for images"\n'))
    assert entry.report.text == 'see "C:\\scans\\" for images'


def test_the_separator_line_of_excel_is_no_header(tmp_path: Path) -> None:
    entry = only(read_bytes(tmp_path, b"sep=;\r\nid;text\r\n1;Fine, so far\r\n"))
    assert (entry.report.text, entry.line) == ("Fine, so far", 3)


def test_wide_encodings_are_read_line_by_line_with_or_without_a_mark(tmp_path: Path) -> None:
    table = 'id,text\r\n1,"one\r\n\u2028two"\r\n2,Ödem\r\n'
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        entries = read_bytes(tmp_path, table.encode(encoding))
        assert [entry.line for entry in entries] == [2, 4]
        assert isinstance(entries[0], SourceReport)
        assert entries[0].report.text == "one\r\n\u2028two"


def test_the_columns_of_omop_notes_are_known(tmp_path: Path) -> None:
    header = (
        "note_id,person_id,note_date,note_datetime,note_type_concept_id,note_class_concept_id,"
        "note_title,note_text,encoding_concept_id,language_concept_id,provider_id,"
        "visit_occurrence_id,visit_detail_id,note_source_value,gender_concept_id,birth_datetime"
    )
    row = (
        "7,55,2021-03-04,2021-03-04 10:15:00,44814645,36716202,MRI HIP LEFT,No effusion.,0,0,,,,RAD,"
        "8532,1974-03-12 00:00:00"
    )
    report = only(read_bytes(tmp_path, f"{header}\n{row}\n".encode())).report
    assert (report.report_id, report.text) == ("7", "No effusion.")
    assert (report.patient.id, report.patient.age_years, report.patient.sex) == ("55", 46, "F")
    assert (report.study.date, report.study.description) == ("2021-03-04", "MRI HIP LEFT")
