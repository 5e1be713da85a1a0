from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from archives import Refusal
from tests.archives.entries import codes, only, read_bytes, texts
from tests.archives.resources import PATIENT, attachment, bundle, report

if TYPE_CHECKING:
    from pathlib import Path

    from archives import Entry


def read_resource(tmp_path: Path, resource: Any) -> list[Entry]:
    return read_bytes(tmp_path, "resource.json", json.dumps(resource).encode())


def observation(name: str, text: str, **elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": name.lower(), "code": {"text": name},
        "valueString": text, **elements,
    }  # fmt: skip


def test_a_resource_gives_text_patient_and_study(tmp_path: Path) -> None:
    entry = only(read_resource(tmp_path, bundle(report(), PATIENT)))
    assert entry.report.text == "FINDINGS: Marrow oedema.\nIMPRESSION: ITOH."
    patient, study = entry.report.patient, entry.report.study
    assert (patient.id, patient.age_years, patient.sex) == ("55012^^^NORTHGATE", 46, "F")
    assert (study.accession, study.date, study.modality) == ("ACC77", "2021-03-04", "MR")
    assert study.description == "MRI HIP LEFT; MR Hip"
    assert (entry.source, entry.issued) == ("urn:northgate:accession", "2021-03-05T10:15:00")
    assert entry.report.report_id == "r1"


def test_a_patient_who_is_not_in_the_file_is_known_by_the_reference(tmp_path: Path) -> None:
    assert only(read_resource(tmp_path, report())).report.patient.id == "Patient/p1"
    logical = report(subject={"identifier": {"system": "urn:mrn", "value": "7"}})
    assert only(read_resource(tmp_path, logical)).report.patient.id == "7^^^urn:mrn"
    contained = report(contained=[{**PATIENT, "id": "x"}], subject={"reference": "#x"})
    assert only(read_resource(tmp_path, contained)).report.patient.age_years == 46


@pytest.mark.parametrize(
    ("forms", "text"),
    [
        ([attachment("Ödem".encode("latin-1"), "text/plain; charset=iso-8859-1")], "Ödem"),
        ([attachment("Ödem".encode("utf-16"))], "Ödem"),
        ([attachment("<p>One</p><p>two<br/>three &amp; four</p>", "text/html")], "One\n\ntwo\nthree & four"),
        ([attachment("<html><head><title>No</title></head><body>Yes</body></html>", "application/xhtml")], "Yes"),
        ([attachment("<p>As HTML</p>", "text/html"), attachment("As text")], "As text"),
        ([attachment("One."), attachment("Two.")], "One.\n\nTwo."),
    ],
)  # fmt: skip
def test_attached_text_is_read_in_its_form_and_encoding(
    tmp_path: Path, forms: list[dict[str, str]], text: str
) -> None:
    assert only(read_resource(tmp_path, report(presentedForm=forms))).report.text == text


def test_a_pdf_is_named_as_unread_and_not_lost(tmp_path: Path) -> None:
    pdf = attachment(b"%PDF-1.7", "application/pdf")
    (refusal,) = read_resource(tmp_path, report(presentedForm=[pdf]))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "embedded_document"
    assert refusal.detail.endswith("application/pdf.")
    entry = only(read_resource(tmp_path, report(presentedForm=[pdf, attachment("Effusion.")])))
    assert entry.remarks == ("embedded_document_not_read:application/pdf",)
    linked = {"contentType": "application/pdf", "url": "https://elsewhere.example/1.pdf"}
    (refusal,) = read_resource(tmp_path, report(presentedForm=[linked]))
    assert isinstance(refusal, Refusal)
    assert "not in the archive" in refusal.detail
    assert "elsewhere" not in refusal.detail
    misplaced = {"contentType": "Smith, Anna", "data": "JVBERi0x"}
    (refusal,) = read_resource(tmp_path, report(presentedForm=[misplaced]))
    assert isinstance(refusal, Refusal)
    assert "smith" not in refusal.detail.lower()


def test_text_is_found_in_results_in_the_narrative_or_in_the_conclusion(tmp_path: Path) -> None:
    findings, impression = observation("Findings", "Oedema."), observation("Impression", "ITOH.")
    results = [{"reference": "Observation/findings"}, {"reference": "#impression"}]
    resource = report(presentedForm=None, result=results, contained=[impression])
    entries = read_resource(tmp_path, bundle(findings, resource))
    assert texts(entries) == ["Findings:\nOedema.\n\nImpression:\nITOH."]
    narrative = {"status": "generated", "div": "<div><h2>MRI</h2><pre>Marrow\noedema</pre></div>"}
    resource = report(presentedForm=None, text=narrative, conclusion="ITOH.")
    assert texts(read_resource(tmp_path, resource)) == ["MRI\nMarrow\noedema\n\nIMPRESSION:\nITOH."]
    resource = report(presentedForm=None, conclusion="ITOH.")
    assert texts(read_resource(tmp_path, resource)) == ["ITOH."]
    assert "ITOH." in texts(read_resource(tmp_path, report(conclusion="itoh.")))[0]
    assert texts(read_resource(tmp_path, report(conclusion="itoh.")))[0].count("\n") == 1


def test_a_binary_of_the_same_bundle_is_the_attachment(tmp_path: Path) -> None:
    binary = {"resourceType": "Binary", "id": "b1", **attachment("From the Binary.")}
    resource = report(presentedForm=[{"contentType": "text/plain", "url": "Binary/b1"}])
    assert texts(read_resource(tmp_path, bundle(resource, binary))) == ["From the Binary."]


def test_order_and_study_say_what_the_report_does_not(tmp_path: Path) -> None:
    order = {
        "resourceType": "ServiceRequest", "id": "o1", "code": {"text": "HIP MRI BOTH SIDES"},
        "identifier": [{"type": {"coding": [{"code": "ACSN"}]}, "value": "ACC99"}],
    }  # fmt: skip
    study = {"resourceType": "ImagingStudy", "id": "s1", "modality": [{"code": "CT"}]}
    resource = report(
        identifier=[{"value": "REP1"}],
        category=None,
        basedOn=[{"reference": "https://fhir.example/ServiceRequest/o1/_history/2"}],
        imagingStudy=[{"reference": "ImagingStudy/s1"}],
    )
    entry = only(read_resource(tmp_path, bundle(resource, order, study)))
    assert entry.report.study.accession == "ACC99"
    assert entry.report.study.modality == "CT"
    assert entry.report.study.description == "MRI HIP LEFT; MR Hip; HIP MRI BOTH SIDES"
    alone = report(identifier=[{"value": "REP1"}], effectiveDateTime=None)
    study_of_report = only(read_resource(tmp_path, alone)).report.study
    assert (study_of_report.accession, study_of_report.date) == ("REP1", "2021-03-05")


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        (report(status="entered-in-error"), "report_withdrawn"),
        (report(presentedForm=None), "no_text"),
        (report(presentedForm=[attachment("  ")]), "no_text"),
        (report(presentedForm=None, result=[{"reference": "Observation/1"}]), "no_text"),
        (report(presentedForm=[{"contentType": "text/plain", "data": "%%%"}]), "attachment_unreadable"),
        (PATIENT, "no_diagnostic_report"),
        (bundle(), "no_diagnostic_report"),
        (bundle(PATIENT), "no_diagnostic_report"),
        (bundle({"resourceType": "DocumentReference", "id": "d"}), "not_a_diagnostic_report"),
        (bundle({"id": "nothing"}), "no_text"),
    ],
)  # fmt: skip
def test_what_gives_no_report_is_refused_with_the_reason(
    tmp_path: Path, resource: Any, code: str
) -> None:
    assert codes(read_resource(tmp_path, resource)) == [code]


@pytest.mark.parametrize(
    "wrong",
    [
        {"presentedForm": "text"}, {"presentedForm": {"contentType": 5, "data": ["x"]}},
        {"code": "MRI"}, {"subject": [1]}, {"identifier": {"value": 7}}, {"category": [None, "RAD"]},
        {"effectiveDateTime": 2021}, {"result": "Observation/1"}, {"text": {"div": 7}},
        {"contained": ["x", {"resourceType": "Patient"}]}, {"meta": []}, {"basedOn": [[]]},
    ],
)  # fmt: skip
def test_elements_of_another_shape_are_absent_and_lose_nothing_else(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    other = report(id="r2")
    entries = read_resource(tmp_path, bundle(report(**wrong), other))
    assert len(entries) == 2
    assert codes(entries)[1] == "report"
