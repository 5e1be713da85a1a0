"""Files of FHIR resources: a resource or a Bundle in JSON or XML, and NDJSON as bulk export gives.

Each DiagnosticReport is a report or a refusal. The resources around it (patient, order, results)
are read first, from the same file and from neighbours that are named after them as a bulk export
names them (``Patient.ndjson``). They are no rows of their own: what is counted are reports.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from archives.encodings import text_lines
from archives.fhir import report_entry
from archives.fhir_related import KINDS, Related
from archives.fhir_values import each, first, string
from archives.fhir_xml import BrokenXmlError, ResourceTooLargeError, xml_resources
from archives.files import UNREADABLE, open_bytes
from archives.json_stream import BrokenJsonError, RecordTooLargeError, records
from archives.jsonl import value_entry
from archives.model import MAX_LINE_BYTES, Entry, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archives.columns import Mapping
    from archives.files import ArchiveFile

Item = tuple[int, Any, str]
"""Where a value stands (line of NDJSON, else its number in the file), the value, its address."""

_REPORT = "DiagnosticReport"
_UNREAD = frozenset({"DocumentReference", "OperationOutcome"})
_NAMED = _UNREAD | {
    *("Binary", "Bundle", "ClinicalImpression", "Composition", "Condition", "Device", "Encounter"),
    *("Endpoint", "ImagingStudy", "List", "Location", "Media", "Observation", "Organization"),
    *("Parameters", "Patient", "Practitioner", "PractitionerRole", "Procedure", "Provenance"),
    *("QuestionnaireResponse", "RelatedPerson", "ServiceRequest", "Specimen", "Task"),
}
"""Kinds of resources that a reason may name; any other word may be one that does not belong there."""
"""Resources that may stand where a report was meant: each is listed."""
_TOO_LONG = f"A record is longer than {MAX_LINE_BYTES:,} bytes; the rest was not read."


def read_json(file: ArchiveFile, mapping: Mapping) -> Iterator[Entry]:
    """Yield the reports of a JSON file: FHIR, or rows in the API's shape."""
    yield from _entries(file, mapping, _json_items)


def read_fhir_ndjson(file: ArchiveFile, mapping: Mapping) -> Iterator[Entry]:
    """Yield the reports of a file with one resource a line."""
    yield from _entries(file, mapping, _ndjson_items)


def read_xml(file: ArchiveFile, mapping: Mapping) -> Iterator[Entry]:
    """Yield the reports of FHIR in XML."""
    yield from _entries(file, mapping, _xml_items)


def is_fhir(head: bytes) -> bool:
    """Say whether the first bytes of a JSON lines file are of FHIR resources."""
    return b'"resourceType"' in head


def _entries(
    file: ArchiveFile,
    mapping: Mapping,
    items: Callable[[ArchiveFile], Iterator[Item | Refusal]],
) -> Iterator[Entry]:
    """Yield every report of a file; where it holds none, what it holds instead."""
    related = _related(file, items)
    others: Counter[str] = Counter()
    rows = 0
    for item in items(file):
        entry = (
            item if isinstance(item, Refusal) else _entry(item, related, mapping, path=file.name)
        )
        if isinstance(entry, str):
            others[entry] += 1
        else:
            rows += 1
            yield entry
    if not rows:
        held = ", ".join(f"{number} {kind}" for kind, number in sorted(others.items()))
        reason = f"The file holds no DiagnosticReport, but: {held or 'no resource at all'}."
        yield Refusal(file.name, 1, "no_diagnostic_report", reason)


def _entry(item: Item, related: Related, mapping: Mapping, *, path: str) -> Entry | str:
    """Return the entry of one value, or the kind of a resource that is no report."""
    line, value, _address = item
    kind = string(value.get("resourceType")) if isinstance(value, dict) else ""
    if kind == _REPORT:
        return report_entry(value, related, path=path, line=line)
    if not kind:
        if path.lower().removesuffix(".gz").endswith(".json"):
            return value_entry(value, mapping, path=path, line=line)
        return Refusal(path, line, "not_a_resource", "There is no FHIR resource here.")
    named = kind if kind in _NAMED else "resource of another kind"
    if named in _UNREAD:
        return Refusal(path, line, "not_a_diagnostic_report", f"A {named} is not read.")
    return named


def _related(
    file: ArchiveFile, items: Callable[[ArchiveFile], Iterator[Item | Refusal]]
) -> Related:
    """Return what this file and its neighbours say about its reports."""
    related = Related(_neighbours(file))
    _learn(related, items(file))
    return related


def _neighbours(file: ArchiveFile) -> Related | None:
    """Return what the neighbours say that are named after the resources they hold."""
    if file.beside is None:
        return None
    known = file.beside.known.get("fhir")
    if isinstance(known, Related):
        return known
    related = Related()
    for other in file.beside.files:
        name = PurePosixPath(other.name).name.lower()
        if other.kind not in {".json", ".ndjson", ".jsonl"}:
            continue
        if name.startswith(tuple(kind.lower() for kind in KINDS)):
            _learn(related, _json_items(other) if other.kind == ".json" else _ndjson_items(other))
    file.beside.known["fhir"] = related
    return related


def _learn(related: Related, items: Iterator[Item | Refusal]) -> None:
    """Remember the resources around reports; faults are told when the reports are read."""
    try:
        for item in items:
            if not isinstance(item, Refusal) and isinstance(item[1], dict):
                related.add(item[1], item[2])
    except UNREADABLE:
        return


def _json_items(file: ArchiveFile) -> Iterator[Item | Refusal]:
    number = 0
    try:
        for number, value in enumerate(records(file), start=1):
            yield from _unpacked(number, value)
    except BrokenJsonError:
        reason = "The file is no JSON, or no more after this record."
        yield Refusal(file.name, number + 1, "not_json", reason)
    except RecordTooLargeError:
        yield Refusal(file.name, number + 1, "record_too_long", _TOO_LONG)


def _unpacked(number: int, value: Any) -> Iterator[Item]:
    """Yield a value, or the resource in an entry of a Bundle, or those of a Bundle on one line."""
    if not isinstance(value, dict):
        yield number, value, ""
    elif isinstance(value.get("resource"), dict):
        yield number, value["resource"], string(value.get("fullUrl"))
    elif value.get("resourceType") == "Bundle":
        for entry in each(value.get("entry")):
            yield number, first(entry.get("resource")), string(entry.get("fullUrl"))
    else:
        yield number, value, ""


def _ndjson_items(file: ArchiveFile) -> Iterator[Item | Refusal]:
    for number, line in enumerate(text_lines(file), start=1):
        if not line.strip():
            continue
        if len(line) >= MAX_LINE_BYTES:
            yield Refusal(file.name, number, "line_too_long", f"Over {MAX_LINE_BYTES:,} bytes.")
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            yield Refusal(file.name, number, "not_json", "The line is not JSON.")
        else:
            yield from _unpacked(number, value)


def _xml_items(file: ArchiveFile) -> Iterator[Item | Refusal]:
    number = 0
    try:
        with open_bytes(file) as stream:
            for number, (value, address) in enumerate(xml_resources(stream), start=1):
                yield number, value, address
    except BrokenXmlError:
        reason = "The file is no XML, has a document type, or is broken after this resource."
        yield Refusal(file.name, number + 1, "not_xml", reason)
    except ResourceTooLargeError:
        yield Refusal(file.name, number + 1, "record_too_long", _TOO_LONG)
