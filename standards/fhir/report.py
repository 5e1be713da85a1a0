"""A report that was read, as a FHIR R4 DiagnosticReport with its Observations inside.

Contained, since they are nothing without their report: one resource says all, in an answer as in
a line of NDJSON. The status is at best ``preliminary``, as no person has verified what was read. There is no
``conclusion``: that is where radiologists write, and a program that reads it (ours, too) would take
our words for theirs.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from archives.write import NOTICE
from standards.codes import Coding, Term
from standards.fhir.assessment import assessment_observation
from standards.fhir.elements import Element, concept, extension, present, reference, string
from standards.fhir.mention import mention_observation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from extractor.model import Patient, Study

MEDIA_TYPE = "application/fhir+json"
_GENDERS = {"M": "male", "F": "female"}
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_MODALITIES = frozenset({"MR", "CR", "DX", "CT", "NM", "US", "PT", "BMD"})
"""DICOM's codes, as the contract has them; a client may send other words."""
_IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
_ACCESSION = {
    "coding": [{"system": _IDENTIFIER_TYPES, "code": "ACSN"}],
    "text": "accession number",
}
"""HL7's own code for what an identifier is, by which systems (our reader too) find the number."""


class ReportStatus(StrEnum):
    """How far our reading of a report is, in FHIR's words."""

    REGISTERED = "registered"
    PRELIMINARY = "preliminary"
    CANCELLED = "cancelled"
    """It could not be read, or was not to be."""


@dataclass(frozen=True, slots=True)
class ReadReport:
    """What a DiagnosticReport is made from."""

    id: str
    """Ours, such as ``rep_...``, or one that is unique in its file."""
    status: ReportStatus
    patient: Patient
    study: Study
    report_id: str | None = None
    """The client's own."""
    source: str | None = None
    issued: str | None = None
    """When it was read: an instant, RFC 3339."""
    superseded_by: str | None = None
    result: dict[str, Any] | None = None
    """The contract, with or without words."""
    text: str | None = None
    """Only for who may read it."""


def diagnostic_report(report: ReadReport) -> Element:
    """Return the DiagnosticReport of a report, with a result once there is one."""
    about = _about(report)
    observations = _observations(report.result, about)
    return present(
        {
            "resourceType": "DiagnosticReport",
            "id": fhir_id(report.id),
            "contained": [*_patient(report.patient), *_device(report.result), *observations],
            "extension": _superseded(report),
            "identifier": _identifiers(report),
            "status": report.status.value,
            "category": [concept("Radiology"), *_modality(report.study.modality)],
            "code": concept(report.study.description or "Radiology report"),
            "subject": about.get("subject"),
            "effectiveDateTime": about.get("effectiveDateTime"),
            "issued": report.issued,
            "result": [reference(one["id"]) for one in observations],
            "presentedForm": _text(report.text),
        }
    )


def fhir_id(id_: str) -> str:
    """Return an id of ours as FHIR writes ids, which know no underscore."""
    return id_.replace("_", "-")


def _about(report: ReadReport) -> Element:
    """Return what all our Observations of a report share."""
    day = report.study.date
    return present(
        {
            "subject": reference("patient") if _patient(report.patient) else None,
            "effectiveDateTime": None if day is None else date.fromisoformat(day).isoformat(),
            "device": None if report.result is None else reference("engine"),
        }
    )


def _observations(result: dict[str, Any] | None, about: Element) -> list[Element]:
    if result is None:
        return []
    mentions = [mention_observation(one, about) for one in result["mentions"]]
    return [assessment_observation(result["assessment"], about), *mentions]


def _patient(patient: Patient) -> Iterable[Element]:
    gender = _GENDERS.get(patient.sex or "")
    if patient.id is None and gender is None:
        return []
    # Archives write the authority of a number behind it, as HL7 v2 does.
    number, _, authority = (patient.id or "").partition("^^^")
    assigner = {"display": string(authority)} if authority else None
    identifier = present({"value": string(number), "assigner": assigner})
    known = {"identifier": [identifier] if identifier else [], "gender": gender}
    return [present({"resourceType": "Patient", "id": "patient", **known})]


def _device(result: dict[str, Any] | None) -> list[Element]:
    """Return what read the report: the engine and its patterns, by version and digest."""
    if result is None:
        return []
    kinds = {
        "engine": "version",
        "patterns": "patterns_version",
        "patterns digest": "patterns_digest",
    }
    versions = [
        {"type": {"text": kind}, "value": result["engine"][name]} for kind, name in kinds.items()
    ]
    name = {"name": "Marrow", "type": "model-name"}
    return [
        {
            "resourceType": "Device",
            "id": "engine",
            "deviceName": [name],
            "version": versions,
            "note": [{"text": NOTICE}],
        }
    ]


def _identifiers(report: ReadReport) -> list[Element]:
    """Return our id, the sender's, and the accession number, each with its kind."""
    sender = None if report.source is None else {"display": string(report.source)}
    ours = {"system": "urn:marrow:report", "value": report.id}
    others = (
        ({"text": "report id"}, report.report_id),
        (_ACCESSION, report.study.accession),
    )
    return [
        ours,
        *(
            present({"type": kind, "value": string(value), "assigner": sender})
            for kind, value in others
            if value
        ),
    ]


def _modality(modality: str | None) -> list[Element]:
    if modality is None:
        return []
    codings = (Coding(_DICOM, modality),) if modality in _MODALITIES else ()
    return [concept(Term(string(modality), codings))]


def _superseded(report: ReadReport) -> list[Element]:
    if report.superseded_by is None:
        return []
    return [extension("superseded-by", fhir_id(report.superseded_by), "Id")]


def _text(text: str | None) -> list[Element]:
    if text is None:
        return []
    # Base64 of UTF-8: the text goes out as it came in, but halves of surrogate pairs.
    data = b64encode(text.encode("utf-8", "replace")).decode("ascii")
    return [present({"contentType": "text/plain; charset=utf-8", "data": data})]
