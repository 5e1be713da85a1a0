from __future__ import annotations

import base64
from collections import Counter
from pathlib import Path

import pytest

from archives import Entry, Refusal, SourceReport, read
from archives.hl7v2_syntax import parse_message
from tests.archives.messages import MSH, OBR, PID, oru, tx

SCOUT = Path(__file__).parents[3] / "shared/data/formats/scout_hl7"
DCM4CHE = Path(__file__).parents[3] / "shared/data/formats/hl7v2_dcm4che"


def read_text(tmp_path: Path, text: str, *, encoding: str = "utf-8") -> list[Entry]:
    path = tmp_path / "feed.hl7"
    path.write_bytes(text.encode(encoding))
    return list(read([path]))


def only(entries: list[Entry]) -> SourceReport:
    assert len(entries) == 1
    assert isinstance(entries[0], SourceReport)
    return entries[0]


def codes(entries: list[Entry]) -> list[str]:
    return [entry.code if isinstance(entry, Refusal) else "report" for entry in entries]


def test_a_message_gives_text_patient_and_study(tmp_path: Path) -> None:
    entry = only(read_text(tmp_path, oru(tx("FINDINGS: Effusion."), tx("IMPRESSION: ITOH."))))
    assert entry.report.text == "FINDINGS: Effusion.\nIMPRESSION: ITOH."
    patient, study = entry.report.patient, entry.report.study
    assert (patient.id, patient.age_years, patient.sex) == ("55012^^^NORTHGATE", 46, "F")
    assert (study.accession, study.date, study.modality) == ("ACC77", "2021-03-04", "MR")
    assert study.description == "MRI HIP LEFT"
    assert (entry.source, entry.issued) == ("NORTHGATE", "2021-03-05T10:15:00")


def test_wrapped_lines_empty_lines_and_repetitions_are_line_breaks(tmp_path: Path) -> None:
    message = oru(
        tx("marrow oedema of the femoral"), tx("head"), tx(""), tx("IMPRESSION:~1. ITOH~2. Rest")
    )
    text = only(read_text(tmp_path, message)).report.text
    assert text == "marrow oedema of the femoral\nhead\n\nIMPRESSION:\n1. ITOH\n2. Rest"


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        (r"head \T\ neck", "head & neck"),
        (r"a\F\b\S\c\R\d\E\e", "a|b^c~d\\e"),
        (r"one\.br\two\.sp\three", "one\ntwo\nthree"),
        (r"\H\bold\N\ text", "bold text"),
        (r"\X0D0A\next", "\nnext"),
        (r"\XC2B1\60", "±60"),
        (r"C:\scans\hip", r"C:\scans\hip"),
        ("half an \\escape", "half an \\escape"),
    ],
)
def test_escape_sequences_are_decoded_and_others_left(
    tmp_path: Path, written: str, read_as: str
) -> None:
    text = only(read_text(tmp_path, oru(tx("x" + written)))).report.text
    assert text == "x" + read_as


def test_own_delimiters_of_a_message_are_obeyed(tmp_path: Path) -> None:
    message = "MSH#*@!%#RIS#NORTHGATE###20210305##ORU*R01#1#P#2.4\rPID###7***W*MR\rOBR###A1\r"
    message += "OBX#1#TX#1##one | two^three@four\r"
    entry = only(read_text(tmp_path, message))
    assert entry.report.text == "one | two^three\nfour"
    assert entry.report.patient.id == "7^^^W"


@pytest.mark.parametrize(
    "framing", ["log", "mllp", "plain", "line feeds", "carriage return, line feed"]
)
def test_every_framing_gives_the_same_reports_at_their_lines(tmp_path: Path, framing: str) -> None:
    first, second = oru(tx("One.")), oru(tx("Two."), obr=OBR.replace("ACC77", "ACC78"))
    text = {
        "log": "2021-03-05 10:15|INFO|\n<SB>\n" + first.replace("\r", "<R>\n") + "<EB><R>\n\n<SB>\n"
        + second.replace("\r", "<R>\n") + "<EB>\n",
        "mllp": f"\x0b{first}\x1c\r\x0b{second}\x1c\r",
        "plain": first + second,
        "line feeds": (first + second).replace("\r", "\n"),
        "carriage return, line feed": (first + second).replace("\r", "\r\n"),
    }[framing]  # fmt: skip
    entries = read_text(tmp_path, text)
    assert [entry.report.text for entry in entries if isinstance(entry, SourceReport)] == [
        "One.",
        "Two.",
    ]
    assert len(entries) == 2
    if framing == "line feeds":
        assert [entry.line for entry in entries] == [1, 5]


def test_a_line_that_begins_no_segment_continues_the_one_before(tmp_path: Path) -> None:
    message = oru("TX|1||EXAMINATION:\nMRI RIGHT HIP\nSmall effusion.||||||F", end="\n")
    assert only(read_text(tmp_path, message)).report.text == (
        "EXAMINATION:\nMRI RIGHT HIP\nSmall effusion."
    )


def test_one_report_for_each_order_with_text(tmp_path: Path) -> None:
    message = oru(tx("Hip.")) + OBR.replace("ACC77", "ACC78") + "\r"
    message += f"OBX|1|{tx('Knee.')}\r" + OBR.replace("ACC77", "ACC79") + "\r"
    entries = read_text(tmp_path, message)
    found = [
        (entry.report.study.accession, entry.report.text)
        for entry in entries
        if isinstance(entry, SourceReport)
    ]
    assert found == [("ACC77", "Hip."), ("ACC78", "Knee.")]


def test_embedded_documents_are_named_as_unread(tmp_path: Path) -> None:
    pdf = "ED|18748-4||^Application^PDF^Base64^JVBERi0x||||||F"
    cda = "ED|18748-4||^Text^text/xml^ASCII^<ClinicalDocument/>||||||F"
    (refusal,) = read_text(tmp_path, oru(pdf, cda))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "embedded_document"
    assert "application/pdf, text/xml" in refusal.detail
    entry = only(read_text(tmp_path, oru(tx("Effusion."), pdf)))
    assert entry.report.text == "Effusion."
    assert entry.remarks == ("embedded_document_not_read:application/pdf",)
    (refusal,) = read_text(tmp_path, oru(pdf.replace("PDF", "Smith, Anna")))
    assert isinstance(refusal, Refusal)
    assert "a type of another name" in refusal.detail
    assert "anna" not in refusal.detail.lower()


def test_pointers_and_instance_uids_are_not_text(tmp_path: Path) -> None:
    message = oru(
        "ST|113014^DICOM Study^DCM||1.2.840.113619.2.404||||||F",
        "RP|1||ACC77^VIEWER^ZB||||||F",
        "CE|1||M16.1^Coxarthrosis^I10||||||F",
        tx("Fine."),
    )
    assert only(read_text(tmp_path, message)).report.text == "Coxarthrosis\nFine."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<SB>\n<R>\n<EB>\n", ["empty_hl7"]),
        ("<SB>\njunk words<EB>\n", ["not_hl7"]),
        ("<SB>\n" + oru(end="<R>\n") + "<EB>", ["no_text"]),
        ("<SB>\n" + oru(tx("cut"), end="<R>\n"), ["frame_unterminated"]),
        ("<SB>\n" + MSH + "\n<SB>\n" + oru(tx("whole"), end="<R>\n") + "<EB>", ["frame_unterminated", "report"]),
        (oru(tx("x"), msh=MSH.replace("ORU^R01", "ADT^A01")), ["not_a_result_message"]),
        ("Nothing of the kind", ["no_hl7_message"]),
        ("", ["no_hl7_message"]),
    ],
)  # fmt: skip
def test_broken_messages_are_refused_with_the_reason(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    assert codes(read_text(tmp_path, text)) == expected


def test_a_broken_message_does_not_take_the_next_one_with_it(tmp_path: Path) -> None:
    whole = "<SB>\n" + oru(tx("whole"), end="<R>\n") + "<EB>\n"
    assert codes(read_text(tmp_path, whole + "<SB>bad<EB>\n" + whole)) == [
        "report",
        "not_hl7",
        "report",
    ]


def test_messages_longer_than_a_block_are_read_whole(tmp_path: Path) -> None:
    long = "effusion " * 20_000
    entries = read_text(tmp_path, "".join(f"\x0b{oru(tx(long + str(n)))}\x1c\r" for n in range(3)))
    texts = [entry.report.text for entry in entries if isinstance(entry, SourceReport)]
    assert texts == [(long + str(n)) for n in range(3)]


def test_latin_1_messages_are_read_by_declaration_or_by_looking(tmp_path: Path) -> None:
    declared = MSH + "||||||8859/1"
    for msh in (declared, MSH):
        entry = only(
            read_text(
                tmp_path,
                oru(tx("ejection ±60% ÷ 2, œdème".replace("œ", "o")), msh=msh),
                encoding="latin-1",
            )
        )
        assert "±60% ÷ 2, odème" in entry.report.text


@pytest.mark.parametrize("charset", ["8859\0/1", "undefined", "hex", "idna", "nonsense", " "])
def test_a_declared_encoding_that_is_none_is_passed_over(tmp_path: Path, charset: str) -> None:
    message = oru(tx("ejection ±60%"), msh=f"{MSH}||||||{charset}")
    assert "±60%" in only(read_text(tmp_path, message, encoding="latin-1")).report.text


def test_a_text_file_that_holds_hl7_is_read_as_hl7(tmp_path: Path) -> None:
    path = tmp_path / "message.txt"
    path.write_text(oru(tx("Effusion.")))
    assert only(list(read([path]))).report.text == "Effusion."


@pytest.mark.parametrize("pid", [PID.replace("^MR", "^EE"), "PID|1|55012^^^NORTHGATE|||EXAMPLE"])
def test_patient_numbers_of_other_types_are_used_where_no_record_number_is(
    tmp_path: Path, pid: str
) -> None:
    assert only(read_text(tmp_path, oru(tx("x"), pid=pid))).report.patient.id == "55012^^^NORTHGATE"


@pytest.mark.skipif(not SCOUT.exists(), reason="the shared sample files are not here")
def test_every_framed_message_of_a_real_feed_is_a_report_or_a_refusal() -> None:
    entries = [entry for entry in read([SCOUT]) if entry.path.endswith(".log")]
    counts = Counter(codes(entries))
    assert counts == {
        "report": 850, "no_text": 50, "not_hl7": 2, "empty_hl7": 1, "no_hl7_message": 1,
    }  # fmt: skip
    faults = {
        Path(entry.path).name: entry.code
        for entry in entries
        if isinstance(entry, Refusal) and entry.code != "no_text"
    }
    assert faults == {
        "20160829.log": "not_hl7",
        "20190106.log": "empty_hl7",
        "20230113.log": "not_hl7",
        "20240102.log": "no_hl7_message",
    }
    texts = [
        (entry.path, entry.report.text) for entry in entries if isinstance(entry, SourceReport)
    ]
    assert any(path.endswith("20250814.log") and "±60%÷" in text for path, text in texts)
    assert sum(path.endswith("20071021.log") for path, _ in texts) == 2


@pytest.mark.skipif(not DCM4CHE.exists(), reason="the shared sample files are not here")
def test_structured_pdf_and_cda_messages_are_told_apart() -> None:
    entries = list(read([DCM4CHE]))
    assert codes(entries) == ["embedded_document", "embedded_document", "report"]


@pytest.mark.skipif(not SCOUT.exists(), reason="the shared sample files are not here")
def test_fields_are_the_ones_that_python_hl7_reads() -> None:
    hl7 = pytest.importorskip("hl7")
    compared = 0
    for path in sorted(SCOUT.rglob("*.log"))[::40]:
        for frame in path.read_bytes().decode("utf-8", "replace").split("<SB>")[1:]:
            body = frame.split("<EB>")[0].replace("\n", "").replace("<R>", "\r").strip()
            if not body.startswith("MSH"):
                continue
            theirs = hl7.parse(body + "\r")
            for ours, segment in zip(parse_message(body), theirs, strict=True):
                for number in range(2, len(ours.fields)):
                    if not (ours.name == "MSH" and number == 2):
                        assert ours.raw(number) == str(segment[number])
                        compared += 1
    assert compared > 1000


def test_parts_that_the_observations_name_get_their_heading_where_the_text_has_none(
    tmp_path: Path,
) -> None:
    message = oru(
        "TX|73721&GDT|1|Marrow oedema of the femoral head.||||||F",
        "TX|73721&IMP|2|Transient osteoporosis.||||||F",
        "TX|73721&IMP|2|Left side.||||||F",
        "TX|18783-1^Study recommendation^LN|3|Recommendation: MRI in three months.||||||F",
        "TX|55107-7^Addendum Document^LN|4|No fracture line.||||||F",
    )
    assert only(read_text(tmp_path, message)).report.text == (
        "Marrow oedema of the femoral head.\nIMPRESSION:\nTransient osteoporosis.\nLeft side.\n"
        "Recommendation: MRI in three months.\nADDENDUM:\nNo fracture line."
    )


def test_an_addendum_by_itself_does_not_take_the_place_of_its_report(tmp_path: Path) -> None:
    first = oru(tx("Marrow oedema."))
    later = MSH.replace("20210305101500", "20210306")
    addendum = oru("TX|73721&ADT|1|No fracture line.||||||F", msh=later)
    entries = read_text(tmp_path, first + addendum)
    found = [entry for entry in entries if isinstance(entry, SourceReport)]
    assert [entry.report.text for entry in found] == [
        "Marrow oedema.", "ADDENDUM:\nNo fracture line.",
    ]  # fmt: skip
    assert found[0].report.study.accession == "ACC77"
    assert found[1].report.study.accession is None
    assert found[1].report.report_id == "ACC77 addendum 2021-03-06T00:00:00"
    assert found[1].remarks == ("addendum_by_itself",)


def test_a_corrected_result_is_a_later_version_of_its_accession(tmp_path: Path) -> None:
    final, corrected = oru(tx("No oedema.")), oru(tx("Marrow oedema.").replace("|F", "|C"))
    corrected = corrected.replace("20210305101500", "20210307080000")
    entries = [e for e in read_text(tmp_path, final + corrected) if isinstance(e, SourceReport)]
    assert {entry.report.study.accession for entry in entries} == {"ACC77"}
    assert [entry.issued for entry in entries] == ["2021-03-05T10:15:00", "2021-03-07T08:00:00"]


@pytest.mark.parametrize("status", ["D", "W", "X"])
def test_deleted_and_wrong_results_are_no_text(tmp_path: Path, status: str) -> None:
    withdrawn = tx("Marrow oedema.").replace("|F", f"|{status}")
    assert codes(read_text(tmp_path, oru(withdrawn))) == ["report_withdrawn"]
    entry = only(read_text(tmp_path, oru(withdrawn, tx("Normal."))))
    assert (entry.report.text, entry.remarks) == ("Normal.", ("part_withdrawn",))


def test_each_order_of_a_message_has_the_patient_before_it(tmp_path: Path) -> None:
    second = PID.replace("55012", "66013").replace("19740312|F", "19500101|M")
    message = oru(tx("Hip.")) + second + "\r" + OBR.replace("ACC77", "ACC78") + "\r"
    message += f"OBX|1|{tx('Knee.')}\r"
    found = [
        (entry.report.patient.id, entry.report.patient.sex, entry.report.text)
        for entry in read_text(tmp_path, message)
        if isinstance(entry, SourceReport)
    ]
    assert found == [("55012^^^NORTHGATE", "F", "Hip."), ("66013^^^NORTHGATE", "M", "Knee.")]


@pytest.mark.parametrize(
    "value",
    [
        "^Text^Plain^Base64^" + base64.b64encode(b"Small effusion.\r\nNo oedema.").decode(),
        "^TEXT^^A^Small effusion.\\.br\\No oedema.",
    ],
)
def test_embedded_plain_text_is_read(tmp_path: Path, value: str) -> None:
    entry = only(read_text(tmp_path, oru(f"ED|18748-4||{value}||||||F")))
    assert entry.report.text == "Small effusion.\nNo oedema."


def test_notes_under_an_order_are_the_report_where_no_observation_has_text(tmp_path: Path) -> None:
    message = oru().replace("OBR|", "NTE|1||About the patient\rOBR|", 1)
    message += "NTE|1||Marrow oedema\rNTE|2||of the femoral head.\r"
    assert only(read_text(tmp_path, message)).report.text == "Marrow oedema\nof the femoral head."
    with_text = message + f"OBX|1|{tx('Normal.')}\r"
    assert only(read_text(tmp_path, with_text)).report.text == "Normal."


def test_a_message_that_only_points_to_its_report_says_so(tmp_path: Path) -> None:
    (refusal,) = read_text(tmp_path, oru("RP|1||ACC77^VIEWER||||||F"))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "no_text"
    assert "points to" in refusal.detail


def test_a_document_message_is_known_by_its_own_segment(tmp_path: Path) -> None:
    head = MSH.replace("ORU^R01", "MDM^T02")
    message = f"{head}\r{PID}\rTXA|1|DI|TX|20210304||||||||DOC9|||ACC80\rOBX|1|{tx('Effusion.')}\r"
    entry = only(read_text(tmp_path, message))
    assert (entry.report.report_id, entry.report.study.accession) == ("DOC9", "ACC80")
    assert (entry.report.study.date, entry.report.patient.id) == ("2021-03-04", "55012^^^NORTHGATE")


def test_a_byte_order_mark_does_not_hide_the_first_message(tmp_path: Path) -> None:
    entries = read_text(tmp_path, oru(tx("One.")) + oru(tx("Two.")), encoding="utf-8-sig")
    assert codes(entries) == ["report", "report"]


@pytest.mark.parametrize("framing", ["plain", "mllp", "log"])
def test_a_message_without_end_is_one_refusal_and_the_next_is_read(
    tmp_path: Path, framing: str
) -> None:
    before, after = {"plain": ("", ""), "mllp": ("\x0b", "\x1c\r"), "log": ("<SB>", "<EB>")}[
        framing
    ]
    messages = [oru(tx("One.")), oru(tx("x" * 50_000_000)), oru(tx("Three."))]
    entries = read_text(tmp_path, "".join(before + one + after for one in messages))
    assert codes(entries) == ["report", "message_too_large", "report"]


def test_many_starts_without_an_end_are_read_in_one_go(tmp_path: Path) -> None:
    entries = read_text(tmp_path, "<SB>" * 50_000 + "\n" + oru(tx("x")) + "<EB>")
    assert codes(entries).count("frame_unterminated") == 49_999
    assert codes(entries)[-1] == "report"
