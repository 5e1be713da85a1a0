"""The orders of an HL7 v2 message: what the segments under each OBR hold as text.

Text is what OBX segments hold in TX, FT, ST and CE values, in their order, one line for each
wrapped OBX, and text in ED values. Other embedded documents (PDF, CDA) are named, pointers (RP)
are counted, deleted results are left out.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from archives.encodings import decode_whole
from archives.hl7v2_syntax import unescape
from archives.media_types import named_type

if TYPE_CHECKING:
    from archives.hl7v2_syntax import Segment

_TEXT_TYPES = frozenset({"TX", "FT", "ST", ""})
_CODED_TYPES = frozenset({"CE", "CWE", "CNE", "CF"})
_UID = re.compile(r"\d+(?:\.\d+){4,}$")
_WITHDRAWN = frozenset({"D", "W", "X"})
"""OBX-11: deleted, wrong (of another patient), cannot be obtained."""
_ADDENDUM = "ADDENDUM"
_HEADINGS = {
    # Suffixes of OBX-3 (v2.3.1 and later, 7.17.4), as in 71010&IMP.
    "IMP": "IMPRESSION", "ADT": _ADDENDUM, "REC": "RECOMMENDATION",
    # LOINC codes of the parts of an imaging report.
    "19005-8": "IMPRESSION", "55110-1": "IMPRESSION", "18782-3": "FINDINGS",
    "59776-5": "FINDINGS", "18783-1": "RECOMMENDATION", "55107-7": _ADDENDUM,
    "18785-6": "INDICATION", "55115-0": "INDICATION", "18834-2": "COMPARISON",
    "55111-9": "TECHNIQUE",
}  # fmt: skip
"""What a part of the report is, where its OBX says so; read as a heading where it has none."""
_OWN_HEADING = re.compile(r"\s*[A-Z][A-Za-z /&-]{2,40}:")


@dataclass(slots=True)
class _Part:
    """Lines of OBX segments in a row that are the same part of the report."""

    heading: str
    lines: list[str] = field(default_factory=list)

    def text_lines(self) -> list[str]:
        """Return the lines, under the part's heading where the text itself has none."""
        if not self.heading or any(_OWN_HEADING.match(line) for line in self.lines):
            return self.lines
        opening = next((line for line in self.lines if line.strip()), "")
        named = opening.strip().upper().startswith(self.heading[:6])
        return [f"{self.heading}:", *self.lines] if opening and not named else self.lines


@dataclass(slots=True)
class Order:
    """One OBR, whose patient it is, and what its OBX segments hold."""

    segment: Segment | None
    patient: Segment | None = None
    document: Segment | None = None
    """TXA, which an MDM message has in place of an OBR."""
    documents: list[str] = field(default_factory=list)
    pointers: int = 0
    withdrawn: int = 0
    parts: list[_Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text of the report; where no OBX holds any, the notes under the order."""
        lines = [line for part in self.parts for line in part.text_lines()]
        text = "\n".join(lines).strip("\n")
        return text if text.strip() or self.withdrawn else "\n".join(self.notes).strip("\n")

    @property
    def is_addendum(self) -> bool:
        """Whether all there is is an addendum, which adds to a report sent before."""
        said = [part for part in self.parts if any(line.strip() for line in part.lines)]
        return bool(said) and all(part.heading == _ADDENDUM for part in said)


def group_orders(segments: list[Segment]) -> list[Order]:
    """Group the segments under the OBR and the patient that they belong to."""
    orders = [Order(None)]
    for segment in segments:
        last = orders[-1]
        if segment.name == "PID":
            # A message may hold several patients; what follows is the next one's.
            orders.append(Order(None, patient=segment))
        elif segment.name == "OBR":
            orders.append(Order(segment, patient=last.patient, document=last.document))
        elif segment.name == "TXA":
            last.document = segment
        elif segment.name == "OBX":
            _add_observation(last, segment)
        elif segment.name == "NTE" and last.segment is not None:
            last.notes += _text_lines(segment, 3)
    return orders


def _add_observation(order: Order, segment: Segment) -> None:
    """Put the value of an OBX into its order: text as lines, documents by their kind."""
    if segment.raw(11).strip().upper() in _WITHDRAWN:
        order.withdrawn += 1
        return
    kind = segment.raw(2).strip().upper()
    if kind == "RP":
        order.pointers += 1
    elif kind == "ED":
        text = _document_text(segment)
        if text is None:
            order.documents.append(named_type(_document_kind(segment)))
        else:
            _add_lines(order, segment, text.split("\n"))
    elif kind in _TEXT_TYPES:
        if not _UID.match(segment.raw(5).strip()):
            _add_lines(order, segment, _text_lines(segment, 5))
    elif kind in _CODED_TYPES:
        if name := segment.component(5, 2) or segment.component(5, 1):
            _add_lines(order, segment, [name])
    elif kind == "NM":
        number = filter(None, (segment.component(5, 1), segment.component(6, 1)))
        _add_lines(order, segment, [" ".join(number)])


def _add_lines(order: Order, segment: Segment, lines: list[str]) -> None:
    """Add lines to the part they belong to; another part begins where the OBX says another."""
    heading = _heading(segment)
    if not order.parts or order.parts[-1].heading != heading:
        order.parts.append(_Part(heading))
    order.parts[-1].lines += lines


def _heading(segment: Segment) -> str:
    """Return the heading that an OBX-3 stands for, empty where it stands for none."""
    marks = segment.delimiters
    return _heading_of(segment.raw(3), marks.repetition, marks.component, marks.subcomponent)


@lru_cache(maxsize=4096)
def _heading_of(identifier: str, repetition: str, component: str, subcomponent: str) -> str:
    """Return the heading of an identifier; a message says the same one for each of its lines."""
    code = identifier.split(repetition, maxsplit=1)[0].split(component, maxsplit=1)[0]
    code, _, suffix = code.partition(subcomponent)
    return _HEADINGS.get(suffix.strip().upper()) or _HEADINGS.get(code.strip()) or ""


def _text_lines(segment: Segment, number: int) -> list[str]:
    """Return the lines of a text value: repetitions and line escapes are line breaks."""
    marks = segment.delimiters
    lines: list[str] = []
    for repetition in segment.repetitions(number):
        lines += unescape(repetition, marks).split("\n")
    return [line.rstrip() for line in lines]


def _document_text(segment: Segment) -> str | None:
    """Return the text of an embedded document that is plain text, ``None`` for any other."""
    if _document_kind(segment) not in {"text/plain", "text/", "text/text", "text/txt"}:
        return None
    parts = segment.raw(5).split(segment.delimiters.component, 4)
    data = parts[4] if len(parts) > 4 else ""  # noqa: PLR2004 - ED has five components
    if parts[3:4] == [""] or parts[3:4][0].strip().upper() == "A":
        return unescape(data, segment.delimiters)
    try:
        text = decode_whole(base64.b64decode(re.sub(r"\s+", "", data), validate=True))
    except (binascii.Error, ValueError):
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _document_kind(segment: Segment) -> str:
    """Return the kind of an embedded document as its sender wrote it: ``application/pdf``."""
    kind, subtype = segment.component(5, 2), segment.component(5, 3)
    return (subtype if "/" in subtype else f"{kind}/{subtype}").strip().lower()
