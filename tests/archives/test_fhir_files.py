from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from archives import Refusal, SourceReport, read
from archives.model import MAX_LINE_BYTES
from tests.archives.entries import codes, only, read_bytes, reports, texts
from tests.archives.resources import PATIENT, attachment, bundle, report

FORMATS = Path(__file__).parents[3] / "shared/data/formats"

XML = """<?xml version="1.0" encoding="UTF-8"?>
<!-- a comment -->
<Bundle xmlns="http://hl7.org/fhir">
  <type value="collection"/>
  <entry>
    <fullUrl value="urn:uuid:1"/>
    <resource>
      <Patient>
        <id value="p1"/>
        <identifier><value value="55012"/></identifier>
        <gender value="male"/>
        <birthDate value="1980-06-15"/>
      </Patient>
    </resource>
  </entry>
  <entry>
    <resource>
      <DiagnosticReport>
        <id value="r1"/>
        <text>
          <status value="generated"/>
          <div xmlns="http://www.w3.org/1999/xhtml"><p id="a">Bone <b>marrow</b> oedema &lt; 3 cm.</p></div>
        </text>
        <contained><Observation><id value="o1"/><valueString value="Effusion."/></Observation></contained>
        <identifier>
          <type><coding><code value="ACSN"/></coding></type>
          <value value="ACC77"/>
        </identifier>
        <status value="final"/>
        <code><text value="MRI HIP"/></code>
        <subject><reference value="urn:uuid:1"/></subject>
        <effectiveDateTime value="2021-06-14"/>
      </DiagnosticReport>
    </resource>
  </entry>
</Bundle>"""


def lines(*values: Any) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def test_xml_is_read_as_json_is(tmp_path: Path) -> None:
    entry = only(read_bytes(tmp_path, "bundle.xml", XML.encode()))
    assert entry.report.text == "Bone marrow oedema < 3 cm."
    patient = entry.report.patient
    assert (patient.id, patient.age_years, patient.sex) == ("55012", 40, "M")
    assert entry.report.study.accession == "ACC77"
    linked = XML.replace('<status value="final"/>', '<result><reference value="#o1"/></result>')
    assert texts(read_bytes(tmp_path, "b.xml", linked.encode())) == ["Effusion."]
    wide = XML.replace("UTF-8", "UTF-16").encode("utf-16")
    assert texts(read_bytes(tmp_path, "b.xml", wide)) == ["Bone marrow oedema < 3 cm."]


def test_one_resource_in_xml_is_a_file_of_one(tmp_path: Path) -> None:
    start, end = XML.index("<DiagnosticReport>"), XML.index("</DiagnosticReport>")
    inner = XML[start + len("<DiagnosticReport>") : end]
    resource = f'<DiagnosticReport xmlns="http://hl7.org/fhir">{inner}</DiagnosticReport>'
    assert only(read_bytes(tmp_path, "r.xml", resource.encode())).report.report_id == "r1"


BOMB = """<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<DiagnosticReport xmlns="http://hl7.org/fhir"><conclusion value="&b;"/></DiagnosticReport>"""
OUTSIDE = """<!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<DiagnosticReport xmlns="http://hl7.org/fhir"><conclusion value="x"/></DiagnosticReport>"""


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (BOMB, ["not_xml"]),
        (OUTSIDE, ["not_xml"]),
        ("", ["not_xml"]),
        ("not xml", ["not_xml"]),
        ("<ClinicalDocument xmlns='urn:hl7-org:v3'/>", ["no_diagnostic_report"]),
        (XML[: XML.index("</Bundle>")], ["report", "not_xml"]),
        (XML.replace("<type", "<entry/><type"), ["not_a_resource", "report"]),
    ],
)  # fmt: skip
def test_xml_that_is_broken_or_dangerous_is_refused_from_there_on(
    tmp_path: Path, data: str, expected: list[str]
) -> None:
    assert codes(read_bytes(tmp_path, "resource.xml", data.encode())) == expected


def test_each_line_of_ndjson_is_a_resource(tmp_path: Path) -> None:
    data = lines(report(), PATIENT, bundle(report(id="r2"), report(id="r3"))) + b"{broken\n\n{}\n"
    entries = read_bytes(tmp_path, "reports.ndjson", data)
    assert [(entry.line, code) for entry, code in zip(entries, codes(entries), strict=True)] == [
        (1, "report"),
        (3, "report"),
        (3, "report"),
        (4, "not_json"),
        (6, "not_a_resource"),
    ]
    assert reports(entries)[0].report.patient.id == "55012^^^NORTHGATE"


def test_a_bulk_export_finds_its_patients_beside_its_reports(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "DiagnosticReport.000.ndjson.gz").write_bytes(gzip.compress(lines(report())))
    (folder / "Patient.000.ndjson").write_bytes(lines(PATIENT))
    entries = list(read([folder]))
    assert codes(entries) == ["report", "no_diagnostic_report"]
    assert isinstance(entries[1], Refusal)
    assert entries[1].detail == "The file holds no DiagnosticReport, but: 1 Patient."
    assert reports(entries)[0].report.patient.age_years == 46


def test_a_bundle_that_is_cut_keeps_what_came_before(tmp_path: Path) -> None:
    data = json.dumps(bundle(report(), report(id="r2"), report(id="r3"))).encode()
    entries = read_bytes(tmp_path, "bundle.json", data[:-300])
    assert codes(entries) == ["report", "report", "not_json"]
    assert entries[-1].line == 3


def test_rows_in_the_shape_of_the_api_are_read_from_json_too(tmp_path: Path) -> None:
    rows = [{"id": "1", "text": "One."}, {"id": "2"}, 7, {"id": "3", "text": "Three."}]
    for value in (rows, {"reports": rows}):
        entries = read_bytes(tmp_path, "reports.json", json.dumps(value).encode())
        assert codes(entries) == ["report", "no_text", "not_an_object", "report"]
        assert [entry.line for entry in entries] == [1, 2, 3, 4]
    single = read_bytes(tmp_path, "report.json", b'{"id": "1", "text": "One."}')
    assert texts(single) == ["One."]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nothing",
        b'{"resourceType": ',
        b"[" * 100_000,
        b'[{"a":' * 9_000,
        b"\x00\x01",
        b'{"a": [1, }',
    ],
)
def test_what_is_no_json_is_refused(tmp_path: Path, data: bytes) -> None:
    assert codes(read_bytes(tmp_path, "resource.json", data)) == ["not_json"]


def test_encodings_of_a_json_file_are_found(tmp_path: Path) -> None:
    value = json.dumps([{"text": "Ödem ± 60 %"}], ensure_ascii=False)
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"):
        entries = read_bytes(tmp_path, "reports.json", value.encode(encoding))
        assert texts(entries) == ["Ödem ± 60 %"]


@pytest.mark.parametrize("name", ["bundle.json", "bundle.ndjson"])
def test_a_resource_that_is_too_long_is_refused(tmp_path: Path, name: str) -> None:
    long = report(id="long", presentedForm=[attachment("x" * MAX_LINE_BYTES)])
    if name.endswith(".ndjson"):
        data = lines(report(), long, report(id="r3"))
        expected = ["report", "line_too_long", "report"]
    else:
        data = json.dumps(bundle(report(), long, report(id="r3"))).encode()
        expected = ["report", "record_too_long"]
    assert codes(read_bytes(tmp_path, name, data)) == expected


@pytest.mark.skipif(not FORMATS.exists(), reason="the shared sample files are not here")
def test_public_examples_are_read_or_refused_with_their_reason() -> None:
    folders = [FORMATS / name for name in ("fhir_us_core", "fhir_va_mhv", "fhir_hl7_core")]
    found = {
        Path(entry.path).name: "report" if isinstance(entry, SourceReport) else entry.code
        for entry in read(folders)
    }
    assert found == {
        "DiagnosticReport-bone-density-report.json": "embedded_document",
        "DiagnosticReport-cardiology-report.json": "embedded_document",
        "DiagnosticReport-chest-xray-report.json": "report",
        "diagnosticreport-cbc.json": "no_text",
        "DiagnosticReport-ex-MHV-imaging-0.json": "report",
        "LICENSE": "unknown_format",
        "diagnosticreport-example-dxa.xml": "report",
    }


def test_a_kind_of_resource_that_there_is_not_is_not_repeated(tmp_path: Path) -> None:
    data = lines({"resourceType": "SmithAnna"}, PATIENT)
    (refusal,) = read_bytes(tmp_path, "export.ndjson", data)
    assert isinstance(refusal, Refusal)
    assert refusal.detail.endswith("1 Patient, 1 resource of another kind.")
