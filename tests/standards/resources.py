"""Reports that were really read, as what FHIR resources are made from; and their validation."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from fhir.resources.R4B.diagnosticreport import DiagnosticReport

from extractor import Extractor, Patient, Report, Study
from standards.fhir import ReadReport, ReportStatus

TEXT = (
    "MRI PELVIS\n\nCLINICAL HISTORY: left hip pain. ?AVN.\n\n"
    "FINDINGS: Extensive bone marrow oedema of the left femoral head and neck, unchanged "
    "since the prior. Moderate left hip joint effusion. No effusion on the right. Possible osteopenia "
    "of the right femoral head. Small pleural effusion.\n\n"
    "IMPRESSION: Findings in keeping with transient osteoporosis of the left hip.\n"
)
PATIENT = Patient(id="4711^^^ST-ELSEWHERE", age_years=47, sex="M")
STUDY = Study(modality="MR", description="MRI pelvis", date="2026-03-01", accession="A-1")


@cache
def extractor() -> Extractor:
    return Extractor.load()


def read(text: str = TEXT, **changes: Any) -> ReadReport:
    """Return a report as it was read by the extractor."""
    report = Report(text=text, report_id="R-1", patient=PATIENT, study=STUDY)
    values: dict[str, Any] = {
        "id": "rep_01m8ax35mmqrcjy13jg5cff0c0",
        "status": ReportStatus.PRELIMINARY,
        "patient": PATIENT,
        "study": STUDY,
        "report_id": "R-1",
        "source": "ris",
        "issued": "2026-03-01T10:00:00.123456Z",
        # As it is stored: lists, no tuples.
        "result": json.loads(json.dumps(extractor().extract(report).to_dict())),
    }
    return ReadReport(**(values | changes))


def validate(resource: dict[str, Any]) -> DiagnosticReport:
    """Hold a resource, as it is sent, against the models of FHIR, which refuse what they do not know."""
    return DiagnosticReport.model_validate_json(json.dumps(resource))


def observations(resource: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in resource["contained"] if one["resourceType"] == "Observation"]


def codes(concept: dict[str, Any]) -> set[str]:
    return {coding["code"] for coding in concept.get("coding", [])}


def inner(resource: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the extensions of a name, ours or inside of ours."""
    names = {name, f"urn:marrow:fhir:{name}"}
    return [one for one in resource.get("extension", []) if one["url"] in names]
