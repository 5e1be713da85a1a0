"""What other FHIR resources say of a report: its patient, order, examination and text results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archives import fields
from archives.fhir_values import (
    Resource,
    concept_codes,
    concept_names,
    each,
    first,
    identifier,
    references,
    string,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS = frozenset({"Patient", "ServiceRequest", "ImagingStudy", "Observation", "Binary"})
"""The resources that tell something of a report; all others are left."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a Patient resource says."""

    number: str
    authority: str
    birth_date: str | None
    sex: str | None


@dataclass(frozen=True, slots=True)
class Examination:
    """What a ServiceRequest or an ImagingStudy says."""

    accession: str
    authority: str
    names: tuple[str, ...]
    modality: str | None


@dataclass(frozen=True, slots=True)
class TextResult:
    """An Observation whose value is text, such as the findings or the impression."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """An attachment, from the report itself or from a Binary."""

    content_type: str
    data: str
    """Base64; empty where the document is elsewhere."""


Thing = Subject | Examination | TextResult | Document


class Related:
    """The resources around reports, by every reference that may lead to them."""

    def __init__(self, wider: Related | None = None) -> None:
        self._things: dict[str, Thing] = {}
        self._wider = wider

    def add(self, resource: Resource, *addresses: str) -> None:
        """Remember what is wanted of a resource, by its type and id and by its addresses."""
        thing = _read(resource)
        if thing is None:
            return
        kind, own_id = string(resource.get("resourceType")), string(resource.get("id"))
        for address in (f"{kind}/{own_id}" if own_id else "", *addresses):
            if address:
                self._things[address] = thing

    def with_contained(self, resource: Resource) -> Related:
        """Return the same, and what the resource contains itself."""
        contained = each(resource.get("contained"))
        if not contained:
            return self
        inner = Related(self)
        for one in contained:
            inner.add(one, f"#{string(one.get('id')).removeprefix('#')}")
        return inner

    def find(self, reference: str) -> Thing | None:
        """Return what a reference leads to: as it stands, or by its last ``Type/id``."""
        parts = reference.split("/_history/", maxsplit=1)[0].split("/")
        for address in (reference, "/".join(parts[-2:])):
            if address in self._things:
                return self._things[address]
        return self._wider.find(reference) if self._wider is not None else None

    def examinations(self, elements: Iterable[Any]) -> list[Examination]:
        """Return the orders and studies that References lead to."""
        found = (self.find(target) for one in elements for target in references(one))
        return [thing for thing in found if isinstance(thing, Examination)]


def _read(resource: Resource) -> Thing | None:
    """Return what is wanted of a resource, ``None`` where it is nothing."""
    kind = resource.get("resourceType")
    if kind == "Patient":
        number, authority = identifier(resource.get("identifier"), "MR", "usual", "official", "*")
        birth_date = fields.parse_date(string(resource.get("birthDate")))
        return Subject(
            number, authority, birth_date, fields.parse_sex(string(resource.get("gender")))
        )
    if kind in {"ServiceRequest", "ImagingStudy"}:
        return _examination(resource)
    if kind == "Observation":
        text = string(resource.get("valueString")) or string(resource.get("valueMarkdown"))
        names = concept_names(resource.get("code"))
        return TextResult(names[0] if names else "", text) if text else None
    if kind == "Binary":
        return Document(
            string(resource.get("contentType")).lower(),
            string(resource.get("data")) or string(resource.get("content")),
        )
    return None


def _examination(resource: Resource) -> Examination:
    accession, authority = identifier(resource.get("identifier"), "ACSN")
    names = [*concept_names(resource.get("code")), string(resource.get("description"))]
    codes = concept_codes(resource.get("modality"))
    codes += [
        code
        for series in each(resource.get("series"))
        for code in concept_codes(series.get("modality"))
    ]
    read = filter(None, (fields.parse_modality(code) for code in codes))
    return Examination(accession, authority, tuple(filter(None, names)), next(read, None))


def report_subject(report: Resource, related: Related) -> tuple[Subject | None, str]:
    """Return the patient where the resource is known, and what the report calls them."""
    subject = first(report.get("subject"))
    target = string(subject.get("reference"))
    found = related.find(target) if target else None
    number, authority = identifier(subject.get("identifier"), "MR", "*")
    called = f"{number}^^^{authority}" if authority else number
    return (found if isinstance(found, Subject) else None), called or target
