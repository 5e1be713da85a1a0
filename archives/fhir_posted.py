"""Reports of a FHIR resource that was sent by itself: a DiagnosticReport, or a Bundle with some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archives.fhir import report_entry
from archives.fhir_related import Related
from archives.fhir_values import Resource, each, first, string

if TYPE_CHECKING:
    from archives.model import Entry


def posted_entries(resource: Resource) -> list[Entry | None]:
    """Return what a DiagnosticReport is, or for each entry of a Bundle its report or refusal.

    ``None`` stands for a resource that is no report: it only tells something of one.
    """
    if resource.get("resourceType") != "Bundle":
        return [_entry(resource, Related(), 0)]
    entries = each(resource.get("entry"))
    related = Related()
    for entry in entries:
        related.add(first(entry.get("resource")), string(entry.get("fullUrl")))
    return [
        _entry(first(entry.get("resource")), related, number)
        for number, entry in enumerate(entries)
    ]


def _entry(resource: Resource, related: Related, number: int) -> Entry | None:
    if resource.get("resourceType") != "DiagnosticReport":
        return None
    return report_entry(resource, related, path="body", line=number)
