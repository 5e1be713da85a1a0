"""HL7 v2 result messages (ORU^R01, versions 2.3 to 2.7): one report for each OBR with text.

Text is what the OBX segments of an order hold in TX, FT, ST and CE values, in their order, one
line for each wrapped OBX. Embedded documents (ED with a PDF or CDA) and pointers (RP) are named,
never read as text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archives import fields
from archives.encodings import decode, guess_encoding
from archives.files import ArchiveFile, open_bytes
from archives.hl7v2_frames import Frame, frames
from archives.hl7v2_syntax import NotHl7Error, Segment, parse_message, unescape
from archives.model import Entry, Refusal, SourceReport
from extractor.model import Patient, Report, Study

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archives.columns import Mapping

_TEXT_TYPES = frozenset({"TX", "FT", "ST", ""})
_CODED_TYPES = frozenset({"CE", "CWE", "CNE", "CF"})
_UID = re.compile(r"\d+(?:\.\d+){4,}$")
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
            yield from _message_entries(frame, file.name)
    if not found:
        yield Refusal(file.name, 1, "no_hl7_message", "The file holds no HL7 v2 message.")


def _message_entries(frame: Frame, path: str) -> Iterator[Entry]:
    """Yield at least one entry for a frame: its reports, or the reason why there is none."""
    if frame.fault is not None:
        yield Refusal(path, frame.line, *_FAULTS[frame.fault])
        return
    try:
        segments = parse_message(_decode(frame.body))
    except NotHl7Error as error:
        empty = not frame.body.replace(b"<R>", b"").strip()
        yield Refusal(path, frame.line, "empty_hl7" if empty else "not_hl7", str(error))
        return
    head = segments[0]
    if head.component(9, 1) not in {"ORU", "MDM"}:
        reason = "The message is not a result message (ORU)."
        yield Refusal(path, frame.line, "not_a_result_message", reason)
        return
    orders = _orders(segments)
    patient = next((segment for segment in segments if segment.name == "PID"), None)
    reports = [
        _source_report(order, head, patient, path=path, line=frame.line)
        for order in orders
        if order.text.strip()
    ]
    if reports:
        yield from reports
        return
    documents = sorted({name for order in orders for name in order.documents})
    if documents:
        reason = f"The report is an embedded document that is not read: {', '.join(documents)}."
        yield Refusal(path, frame.line, "embedded_document", reason)
    else:
        yield Refusal(path, frame.line, "no_text", "The message has no OBX with report text.")


def _decode(body: bytes) -> str:
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


@dataclass(slots=True)
class _Order:
    """One OBR and what its OBX segments hold."""

    segment: Segment | None
    lines: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip("\n")


def _orders(segments: list[Segment]) -> list[_Order]:
    """Group the OBX segments under the OBR that they belong to."""
    orders = [_Order(None)]
    for segment in segments:
        if segment.name == "OBR":
            orders.append(_Order(segment))
        elif segment.name == "OBX":
            _add_observation(orders[-1], segment)
    return orders


def _add_observation(order: _Order, segment: Segment) -> None:
    """Put the value of an OBX into its order: text as lines, documents by their kind."""
    kind = segment.raw(2).strip().upper()
    if kind == "ED":
        order.documents.append(_document_kind(segment))
    elif kind in _TEXT_TYPES:
        value = segment.raw(5)
        if not _UID.match(value.strip()):
            order.lines += _text_lines(segment)
    elif kind in _CODED_TYPES:
        name = segment.component(5, 2) or segment.component(5, 1)
        if name:
            order.lines.append(name)
    elif kind == "NM":
        order.lines.append(
            " ".join(filter(None, (segment.component(5, 1), segment.component(6, 1))))
        )


def _text_lines(segment: Segment) -> list[str]:
    """Return the lines of a text value: repetitions and line escapes are line breaks."""
    marks = segment.delimiters
    lines: list[str] = []
    for repetition in segment.repetitions(5):
        lines += unescape(repetition, marks).split("\n")
    return [line.rstrip() for line in lines]


def _document_kind(segment: Segment) -> str:
    """Name an embedded document: ``application/pdf``, ``text/xml``."""
    kind, subtype = segment.component(5, 2), segment.component(5, 3)
    name = subtype if "/" in subtype else f"{kind}/{subtype}"
    return re.sub(r"[^a-z0-9/+.-]", "", name.lower())[:40] or "unknown"


def _source_report(
    order: _Order, head: Segment, patient: Segment | None, *, path: str, line: int
) -> SourceReport:
    remarks: list[str] = []
    sent = fields.parse_moment(head.raw(7))
    study, issued = _study(order.segment, sent)
    remarks += [f"embedded_document_not_read:{name}" for name in order.documents]
    return SourceReport(
        report=Report(
            text=order.text,
            report_id=None,
            patient=_patient(patient, study.date, remarks),
            study=study,
        ),
        path=path,
        line=line,
        source=head.component(4, 1) or "default",
        issued=issued,
        remarks=tuple(remarks),
    )


def _study(order: Segment | None, sent: str | None) -> tuple[Study, str | None]:
    """Return the examination and when this version of its report was issued."""
    if order is None:
        return Study(date=sent[:10] if sent else None), sent
    observed = fields.parse_date(order.raw(7))
    issued = fields.parse_moment(order.raw(22)) or sent
    date = observed or (issued[:10] if issued else None)
    description = order.component(4, 5) or order.component(4, 2) or order.component(4, 1)
    modality = order.component(24, 1) or ""
    study = Study(
        modality=fields.parse_modality(modality),
        description=description or None,
        date=date,
        accession=order.component(3, 1) or order.component(18, 1) or None,
    )
    # When messages of one accession carry the same OBR-22, the one that was sent last is newest.
    return study, max(filter(None, (issued, sent)), default=None)


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
