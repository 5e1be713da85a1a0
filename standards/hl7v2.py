r"""Acknowledgements of HL7 v2 (version 2.7, chapter 2.9.2, original mode): ``MSH``, ``MSA``, ``ERR``.

The reader of messages is :mod:`archives.hl7v2`. Reasons are our own sentences, so that no word of
a message goes back but the names that address it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from archives.hl7v2_syntax import Segment


class Verdict(StrEnum):
    """What became of a message (MSA-1)."""

    ACCEPTED = "AA"
    ERROR = "AE"
    """It is wrong in itself: to send it again as it is changes nothing."""
    REJECTED = "AR"
    """It was not taken, for reasons that are not in its content: send it again later."""


class Condition(IntEnum):
    """Why (table 0357)."""

    SEGMENT_SEQUENCE = 100
    REQUIRED_FIELD_MISSING = 101
    DATA_TYPE = 102
    UNSUPPORTED_MESSAGE_TYPE = 200
    DUPLICATE_KEY = 205
    INTERNAL = 207


_TEXTS = {
    Condition.SEGMENT_SEQUENCE: "Segment sequence error",
    Condition.REQUIRED_FIELD_MISSING: "Required field missing",
    Condition.DATA_TYPE: "Data type error",
    Condition.UNSUPPORTED_MESSAGE_TYPE: "Unsupported message type",
    Condition.DUPLICATE_KEY: "Duplicate key identifier",
    Condition.INTERNAL: "Application internal error",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a message was not accepted."""

    verdict: Verdict
    condition: Condition
    reason: str
    """What to do or to mend, in a sentence without the message's words or delimiters."""


def acknowledgement(
    head: Segment | None, fault: Fault | None, *, control_id: str, at: datetime
) -> str:
    """Return the answer to the message with this MSH segment; ``None`` where it has none.

    ``control_id``: MSH-10 of the answer itself, at most 20 characters. Delimiters are the sender's.
    """
    field = "|" if head is None else head.raw(1)
    marks = "^~\\&" if head is None else head.raw(2)
    component = marks[:1] or "^"
    sender = ["", ""] if head is None else [head.raw(3), head.raw(4)]
    processing = "P" if head is None else head.raw(11) or "P"
    version = "2.5.1" if head is None else head.raw(12) or "2.5.1"
    event = "R01" if head is None else head.component(9, 2) or "R01"
    kind = component.join(("ACK", event, "ACK"))
    moment = at.strftime("%Y%m%d%H%M%S%z")
    verdict = Verdict.ACCEPTED if fault is None else fault.verdict
    answered = "" if head is None else head.raw(10)
    lines = [
        [
            "MSH",
            marks,
            "MARROW",
            "MARROW",
            *sender,
            moment,
            "",
            kind,
            control_id,
            processing,
            version,
        ],
        ["MSA", verdict.value, answered, *([] if fault is None else [fault.reason])],
    ]
    if fault is not None:
        condition = (str(fault.condition.value), _TEXTS[fault.condition], "HL70357")
        lines.append(["ERR", "", "", component.join(condition), "E", "", "", "", fault.reason])
    return "".join(f"{field.join(line)}\r" for line in lines)
