r"""HL7 v2's encoding rules: segments, fields, repetitions, components, escape sequences.

An own reader of the rules (v2.7 chapter 2.5 to 2.7) and not a library: docs/decisions/0004.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SEGMENT_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
_LINE_BREAKS = {".br", ".sp", ".ce"}


class NotHl7Error(ValueError):
    """The bytes of a frame are no HL7 v2 message."""


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The characters that MSH declares for this message."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment: its name and its fields as they stand, field 1 at index 1."""

    fields: tuple[str, ...]
    delimiters: Delimiters

    @property
    def name(self) -> str:
        """The three letters of the segment."""
        return self.fields[0]

    def raw(self, number: int) -> str:
        """Return a field as it stands, empty where the segment ends before it."""
        return self.fields[number] if number < len(self.fields) else ""

    def repetitions(self, number: int) -> list[str]:
        """Return the repetitions of a field as they stand."""
        return self.raw(number).split(self.delimiters.repetition)

    def component(self, number: int, part: int, *, repetition: int = 0) -> str:
        """Return a component (counted from 1) without blanks around, its escapes decoded."""
        repetitions = self.repetitions(number)
        if repetition >= len(repetitions):
            return ""
        return self.pick(repetitions[repetition], part)

    def pick(self, value: str, part: int) -> str:
        """Return a component of one repetition; only its first subcomponent."""
        parts = value.split(self.delimiters.component)
        if part > len(parts):
            return ""
        inner = parts[part - 1].split(self.delimiters.subcomponent)[0]
        text = unescape(inner, self.delimiters).strip()
        return "" if text == '""' else text


def parse_message(text: str) -> list[Segment]:
    """Split a message into segments; a line that starts no segment continues the one before.

    Segments end with a carriage return; with ``<R>`` in logs; with a line feed in files that an
    editor or an export has been through.

    Raises:
        NotHl7Error: empty, or the first segment is not an MSH with its delimiters.

    """
    lines = [line for line in re.split(r"<R>|[\r\n]", text) if line.strip()]
    if not lines:
        raise NotHl7Error("The message is empty.")
    head = lines[0]
    if not head.startswith("MSH") or len(head) < 8:  # noqa: PLR2004 - MSH|^~\&
        raise NotHl7Error("The message does not begin with an MSH segment.")
    segments: list[str] = []
    for line in lines:
        # The separator after the name keeps a wrapped line "MRI RIGHT HIP" from being a segment.
        if _SEGMENT_NAME.match(line) and line[3:4] == head[3]:
            segments.append(line)
        else:
            segments[-1] += "\n" + line
    delimiters = _delimiters(head)
    return [_segment(segment, delimiters) for segment in segments]


def _delimiters(head: str) -> Delimiters:
    declared = head[4:].split(head[3], 1)[0]
    declared += "^~\\&"[len(declared) :]
    return Delimiters(head[3], declared[0], declared[1], declared[2], declared[3])


def _segment(text: str, delimiters: Delimiters) -> Segment:
    """MSH-1 is the field separator itself: put it in, so that numbers are as in the standard."""
    fields = text.split(delimiters.field)
    if fields[0] == "MSH":
        fields.insert(1, delimiters.field)
    return Segment(tuple(fields), delimiters)


def unescape(text: str, delimiters: Delimiters) -> str:
    r"""Decode ``\F\ \S\ \T\ \R\ \E\ \X..\ \.br\``; highlighting is dropped, others are left."""
    mark = delimiters.escape
    if mark not in text:
        return text
    named = {
        "F": delimiters.field,
        "S": delimiters.component,
        "T": delimiters.subcomponent,
        "R": delimiters.repetition,
        "E": mark,
        "H": "",
        "N": "",
    }

    def decoded(match: re.Match[str]) -> str:
        code = match[1]
        if code in named:
            return named[code]
        if code[:3] in _LINE_BREAKS:
            return "\n"
        if code[:1] == ".":
            return " " if code[:3] in {".in", ".ti", ".sk"} else ""
        if code[:1] == "X":
            return _hexadecimal(code[1:]) or match[0]
        return match[0]

    quoted = re.escape(mark)
    return re.sub(f"{quoted}([A-Za-z.][^{quoted}\\n]{{0,4000}}?){quoted}", decoded, text)


def _hexadecimal(digits: str) -> str | None:
    r"""Decode the bytes of a ``\\X..\\`` escape; line ends become one line feed."""
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")
