"""HL7 v2 result messages (ORU^R01, versions 2.3 to 2.7): one report for each OBR with text.

A corrected result is a later version of its accession. An addendum that comes by itself is a
report of its own: as a version it would take the place of the report that it adds to.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from archives import fields
from archives.encodings import decode, guess_encoding
from archives.files import ArchiveFile, open_bytes
from archives.hl7v2_frames import Frame, frames
from archives.hl7v2_orders import Order, group_orders
from archives.hl7v2_syntax import NotHl7Error, Segment, parse_message
from archives.model import Entry, Refusal, SourceReport
from extractor.model import Patient, Report, Study

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archives.columns import Mapping

_CHARSETS = {"ASCII": "ascii", "UNICODE UTF-8": "utf-8", "UNICODE": "utf-8"}
_FAULTS = {
    "unterminated": ("frame_unterminated", "The message is cut off: its end mark is missing."),
    "too_large": ("message_too_large", "The message is longer than 32 MB."),
}


def read_hl7v2(file: ArchiveFile, mapping: Mapping) -> Iterator[Entry]:
    """Yield the reports of every message of a file, and every message that gives none."""
    del mapping  # the standard says where everything is
    found = False
    with open_bytes(file) as stream:
        for frame in frames(stream):
            found = True
            yield from message_entries(frame, file.name)
    if not found:
        yield Refusal(file.name, 1, "no_hl7_message", "The file holds no HL7 v2 message.")


def message_entries(frame: Frame, path: str) -> Iterator[Entry]:
    """Yield at least one entry for a frame: its reports, or the reason why there is none."""
    if frame.fault is not None:
        yield Refusal(path, frame.line, *_FAULTS[frame.fault])
        return
    try:
        segments = parse_message(decode_message(frame.body))
    except NotHl7Error as error:
        empty = not frame.body.replace(b"<R>", b"").strip()
        yield Refusal(path, frame.line, "empty_hl7" if empty else "not_hl7", str(error))
        return
    head = segments[0]
    if head.component(9, 1) not in {"ORU", "MDM"}:
        reason = "The message is not a result message (ORU)."
        yield Refusal(path, frame.line, "not_a_result_message", reason)
        return
    orders = group_orders(segments)
    reports = [
        _source_report(order, text, head, path=path, line=frame.line)
        for order in orders
        if (text := order.text).strip()
    ]
    if reports:
        yield from reports
    else:
        yield Refusal(path, frame.line, *_why_empty(orders))


def _why_empty(orders: list[Order]) -> tuple[str, str]:
    """Return code and reason for a message without text."""
    documents = sorted({name for order in orders for name in order.documents})
    if documents:
        named = ", ".join(documents)
        return (
            "embedded_document",
            f"The report is an embedded document that is not read: {named}.",
        )
    if any(order.withdrawn for order in orders):
        return "report_withdrawn", "The result was deleted or declared wrong (OBX-11)."
    if any(order.pointers for order in orders):
        return "no_text", "The message only points to a report that is elsewhere (OBX of type RP)."
    return "no_text", "The message has no OBX with report text."


def decode_message(body: bytes) -> str:
    """Decode one message: UTF-8, else what MSH-18 declares, else the likeliest encoding."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        pass
    head = re.split(rb"<R>|[\r\n]", body.lstrip(), maxsplit=1)[0].split(b"|")
    declared = head[17].decode("ascii", errors="replace") if len(head) > 17 else ""  # noqa: PLR2004
    name = declared.split("~")[0].strip().upper()
    charset = _CHARSETS.get(name) or re.sub(r"^8859/", "iso-8859-", name)
    return decode(body, charset or guess_encoding(body))


def _source_report(order: Order, text: str, head: Segment, *, path: str, line: int) -> SourceReport:
    remarks: list[str] = []
    sent = fields.parse_moment(head.raw(7))
    study, issued, report_id = _study(order, sent)
    if order.is_addendum and study.accession:
        report_id = f"{study.accession} addendum {issued or ''}".strip()
        remarks.append("addendum_by_itself")
        study = replace(study, accession=None)
    remarks += [f"embedded_document_not_read:{name}" for name in order.documents]
    if order.withdrawn:
        remarks.append("part_withdrawn")
    return SourceReport(
        report=Report(
            text=text,
            report_id=report_id,
            patient=_patient(order.patient, study.date, remarks),
            study=study,
        ),
        path=path,
        line=line,
        source=head.component(4, 1) or "default",
        issued=issued,
        remarks=tuple(remarks),
    )


def _study(order: Order, sent: str | None) -> tuple[Study, str | None, str | None]:
    """Return the examination, when this version of its report was issued, and the report's id."""
    segment, document = order.segment, order.document
    unique = (document.component(12, 1) or None) if document is not None else None
    if segment is None:
        made = fields.parse_date(document.raw(4)) if document is not None else None
        filler = document.component(15, 1) if document is not None else ""
        date = made or (sent[:10] if sent else None)
        return Study(date=date, accession=filler or None), sent, unique
    observed = fields.parse_date(segment.raw(7))
    issued = fields.parse_moment(segment.raw(22)) or sent
    date = observed or (issued[:10] if issued else None)
    description = segment.component(4, 5) or segment.component(4, 2) or segment.component(4, 1)
    study = Study(
        modality=fields.parse_modality(segment.component(24, 1) or ""),
        description=description or None,
        date=date,
        accession=segment.component(3, 1) or segment.component(18, 1) or None,
    )
    # When messages of one accession carry the same OBR-22, the one that was sent last is newest.
    return study, max(filter(None, (issued, sent)), default=None), unique


def _patient(segment: Segment | None, study_date: str | None, remarks: list[str]) -> Patient:
    """Return the patient of a message; the age is that on the day of the examination."""
    if segment is None:
        return Patient()
    born = fields.parse_date(segment.raw(7))
    if born is None and segment.raw(7).strip():
        remarks.append("birth_date_not_read")
    return Patient(
        id=_patient_id(segment),
        age_years=fields.age_on(born, study_date) if born and study_date else None,
        sex=fields.parse_sex(segment.component(8, 1)),
    )


def _patient_id(segment: Segment) -> str | None:
    """Return the medical record number with its authority, as ``123^^^HOSPITAL``.

    The same number of two hospitals is two people, so the authority belongs to the id. Numbers of
    type MR or MRN come first, then the first of any type, then the old PID-2.
    """
    candidates = [
        (segment.pick(value, 1), segment.pick(value, 4), segment.pick(value, 5))
        for value in (*segment.repetitions(3), segment.raw(2))
    ]
    candidates = [candidate for candidate in candidates if candidate[0]]
    records = [candidate for candidate in candidates if candidate[2] in {"MR", "MRN"}]
    if not candidates:
        return None
    number, authority, _ = (records or candidates)[0]
    return f"{number}^^^{authority}" if authority else number
