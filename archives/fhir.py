"""FHIR R4 DiagnosticReport: one resource is one report, or the reason why it is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archives import fields
from archives.fhir_related import Related, report_subject
from archives.fhir_text import ReportText, report_text
from archives.fhir_values import Resource, concept_codes, concept_names, first, identifier, string
from archives.model import Entry, Refusal, SourceReport
from archives.surrogates import storable
from extractor.model import Patient, Report, Study

if TYPE_CHECKING:
    from archives.fhir_related import Examination

_MODALITY = {"RX": "CR", "NMS": "NM", "RUS": "US", "OUS": "US", "VUS": "US"}
"""Sections of HL7 table 0074 that are a modality under another name."""


def report_entry(resource: Resource, related: Related, *, path: str, line: int) -> Entry:
    """Return the report of a DiagnosticReport resource, or the reason why there is none."""
    if string(resource.get("status")) == "entered-in-error":
        reason = "The report was withdrawn (status entered-in-error)."
        return Refusal(path, line, "report_withdrawn", reason)
    around = related.with_contained(resource)
    found = report_text(resource, around)
    if not found.text.strip():
        return Refusal(path, line, *_why_empty(found))
    remarks = [f"embedded_document_not_read:{name}" for name in found.documents]
    examinations = around.examinations([resource.get("basedOn"), resource.get("imagingStudy")])
    accession, source = _accession(resource, examinations)
    issued = string(resource.get("issued")) or string(
        first(resource.get("meta")).get("lastUpdated")
    )
    study = Study(
        modality=_modality(resource, examinations),
        description=_description(resource, examinations),
        date=_date(resource),
        accession=accession or None,
    )
    report = Report(
        text=found.text,
        report_id=string(resource.get("id")) or None,
        patient=_patient(resource, around, study.date),
        study=study,
    )
    entry = SourceReport(
        report=report,
        path=path,
        line=line,
        source=source or "default",
        issued=fields.parse_moment(issued),
        remarks=tuple(remarks),
    )
    return storable(entry)


def _why_empty(found: ReportText) -> tuple[str, str]:
    """Return code and reason for a report without text."""
    if found.documents:
        names = ", ".join(sorted(set(found.documents)))
        return "embedded_document", f"The report is a document that is not read: {names}."
    if found.broken:
        return "attachment_unreadable", "The attached text is not base64."
    if found.results:
        reason = f"The report has no text; its {found.results} results are values or not here."
        return "no_text", reason
    return "no_text", "The report has no attached text, narrative or conclusion."


def _patient(resource: Resource, related: Related, study_date: str | None) -> Patient:
    subject, called = report_subject(resource, related)
    if subject is None:
        return Patient(id=called or None)
    number = f"{subject.number}^^^{subject.authority}" if subject.authority else subject.number
    born = subject.birth_date
    return Patient(
        id=number or called or None,
        age_years=fields.age_on(born, study_date) if born and study_date else None,
        sex=subject.sex,
    )


def _date(resource: Resource) -> str | None:
    """Return the day of the examination; without one the day of the report."""
    period = first(resource.get("effectivePeriod"))
    moments = (resource.get("effectiveDateTime"), period.get("start"), resource.get("issued"))
    return next(filter(None, (fields.parse_date(string(one)) for one in moments)), None)


def _accession(resource: Resource, examinations: list[Examination]) -> tuple[str, str]:
    """Return the accession number and its system: of the report, else of its order."""
    own = identifier(resource.get("identifier"), "ACSN")
    ordered = identifier(first(resource.get("basedOn")).get("identifier"), "ACSN", "*")
    known = [(one.accession, one.authority) for one in examinations]
    any_other = identifier(resource.get("identifier"), "FILL", "official", "*")
    return next((found for found in (own, *known, ordered, any_other) if found[0]), ("", ""))


def _modality(resource: Resource, examinations: list[Examination]) -> str | None:
    codes = concept_codes(resource.get("category"))
    read = [_MODALITY.get(code) or fields.parse_modality(code) for code in codes]
    return next(filter(None, [*(one.modality for one in examinations), *read]), None)


def _description(resource: Resource, examinations: list[Examination]) -> str | None:
    """Return the names of the examination; a general one and that of the order are both wanted."""
    names = [*concept_names(resource.get("code")), *(n for one in examinations for n in one.names)]
    different: dict[str, str] = {}
    for name in names:
        different.setdefault(name.casefold(), name)
    return "; ".join(different.values()) or None
