"""Results as FHIR R4 DiagnosticReports, held against the models of ``fhir.resources``."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from archives import SourceReport
from archives import read as read_archive
from extractor import Patient, Study
from standards import codes as codes_module
from standards.fhir import ReportStatus, diagnostic_report
from tests.standards.resources import TEXT, codes, inner, observations, read, validate

SPECIFICATION = Path(__file__).parents[3] / "shared" / "spec" / "clinical.md"


@pytest.fixture(scope="module")
def resource() -> dict[str, Any]:
    return diagnostic_report(read())


def mentions(resource: dict[str, Any], finding: str) -> list[dict[str, Any]]:
    return [one for one in observations(resource) if one["code"]["text"] == finding]


def test_a_read_report_is_a_valid_resource(resource: dict[str, Any]) -> None:
    report = validate(resource)
    assert report.status == "preliminary"
    assert report.result is not None
    assert len(report.result) == len(observations(resource)) > 5


def test_every_reference_leads_to_a_contained_resource_and_each_of_those_is_referred_to(
    resource: dict[str, Any],
) -> None:
    contained = {one["id"] for one in resource["contained"]}
    assert len(contained) == len(resource["contained"])
    referred = set(re.findall(r'"reference": "#([^"]+)"', json.dumps(resource)))
    assert referred == contained


def test_each_mention_has_the_offsets_of_its_words(resource: dict[str, Any]) -> None:
    spans = 0
    for one in observations(resource):
        for evidence in inner(one, "evidence"):
            for said in (evidence, *inner(evidence, "cue")):
                [start], [end], [quote] = (inner(said, n) for n in ("start", "end", "quote"))
                span = slice(start["valueUnsignedInt"], end["valueUnsignedInt"])
                assert TEXT[span] == quote["valueString"]
                spans += 1
    assert spans > len(observations(resource))


def test_a_mention_tells_finding_presence_site_side_and_section(resource: dict[str, Any]) -> None:
    oedema = mentions(resource, "marrow oedema")[0]
    assert codes(oedema["code"]) == set()
    assert codes(oedema["interpretation"][0]) == {"52101004", "RID28472"}
    assert oedema["bodySite"] == {"text": "femoral head, femoral neck (left)"}
    sites = [one["valueCodeableConcept"] for one in inner(oedema, "site")]
    assert [codes(one) for one in sites] == [{"2812003"}, {"29627003"}]
    [side] = inner(oedema, "laterality")
    assert codes(side["valueCodeableConcept"]) == {"7771000"}
    told = {one["code"]["text"]: one["valueCodeableConcept"] for one in oedema["component"]}
    assert told["severity"]["text"] == "extensive"
    assert codes(told["change"]) == {"RID39268"}
    [evidence] = inner(oedema, "evidence")
    [section] = inner(evidence, "section")
    assert codes(section["valueCodeableConcept"]) == {"59776-5"}


def test_only_an_effusion_of_a_joint_is_coded_as_one(resource: dict[str, Any]) -> None:
    at = {one["bodySite"]["text"]: codes(one["code"]) for one in mentions(resource, "effusion")}
    assert at["hip joint (left)"] == {"387637008", "RID4872"}
    assert at["pleura"] == {"RID4872"}


def test_absent_uncertain_and_present_differ(resource: dict[str, Any]) -> None:
    told = [one["interpretation"][0] for one in mentions(resource, "effusion")]
    assert [one["text"] for one in told] == ["present", "absent", "present"]
    [osteopenia] = mentions(resource, "osteopenia")
    assert osteopenia["interpretation"][0]["text"] == "uncertain: possible"
    assert codes(osteopenia["valueCodeableConcept"]) == {"82334004", "RID39110"}


def test_what_a_relative_had_is_not_asserted_of_the_patient() -> None:
    told = read("Family history: mother with osteopenia of the left hip. Normal hips.")
    of_others = [one for one in observations(diagnostic_report(told)) if "focus" in one]
    assert of_others, told.result
    for one in of_others:
        assert codes(one["interpretation"][0]) == set()


def test_the_assessment_is_derived_from_its_evidence(resource: dict[str, Any]) -> None:
    [assessment] = [one for one in observations(resource) if one["id"] == "assessment"]
    assert assessment["valueCodeableConcept"]["text"] == "stated"
    assert assessment["interpretation"][0]["text"] == "probable case"
    assert assessment["derivedFrom"]
    assert "conclusion" not in resource
    assert "not a diagnosis" in json.dumps(resource["contained"])


def test_without_words_there_is_none_of_the_report() -> None:
    from api.wordless import without_words

    told = read()
    resource = diagnostic_report(replace(told, result=without_words(told.result)))
    validate(resource)
    assert '"quote"' not in json.dumps(resource)
    assert "keeping" not in json.dumps(resource)


@pytest.mark.parametrize("status", [ReportStatus.REGISTERED, ReportStatus.CANCELLED])
def test_a_report_without_a_result_is_valid(status: ReportStatus) -> None:
    bare = read(status=status, result=None, patient=Patient(), study=Study(), issued=None)
    resource = diagnostic_report(bare)
    validate(resource)
    assert "contained" not in resource


def test_odd_characters_give_a_valid_resource_with_the_same_offsets() -> None:
    text = "MRI HIP: bone\x0bmarrow oedema of the left femoral head\ud800. Normal."
    told = replace(read(text), text=text)
    resource = diagnostic_report(told)
    json.dumps(resource, ensure_ascii=False).encode()
    validate(resource)


def test_our_own_reader_reads_it_back(tmp_path: Path) -> None:
    told = read()
    file = tmp_path / "one.json"
    file.write_text(json.dumps(diagnostic_report(replace(told, text=TEXT))))
    [entry] = read_archive([file])
    assert isinstance(entry, SourceReport)
    assert entry.source == told.source
    assert entry.report.study.modality == "MR"
    assert entry.report.text == TEXT
    assert entry.report.study.accession == told.study.accession
    assert entry.report.patient.id == told.patient.id
    assert entry.report.study.date == told.study.date
    form = json.loads(file.read_text())["presentedForm"][0]
    assert b64decode(form["data"]).decode() == TEXT


@pytest.mark.skipif(not SPECIFICATION.exists(), reason="the specification is not on this machine")
def test_every_code_is_one_that_the_specification_saw() -> None:
    section = SPECIFICATION.read_text().split("## 5. Codes")[1].split("## 7.")[0]
    declared = yaml.safe_load(Path(codes_module.__file__).with_name("codes.yaml").read_text())
    sent = {
        code["code"]
        for kind, names in declared.items()
        if kind != "systems"
        for name in names.values()
        for code in name.get("codes", [])
    }
    assert len(sent) > 20
    for code in sent:
        assert re.search(rf"(?<!\d){re.escape(code)}(?!\d)", section), code
        assert f"{code} UNVERIFIED" not in section
