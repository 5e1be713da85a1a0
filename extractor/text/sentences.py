"""A sentence splitter for reports as they are: one linear pass over the lines.

Reports are hard-wrapped, bulleted, numbered, telegraphic and full of headings. A line break ends
a sentence only where the line was not full: in wrapped text a writer's own break leaves room for
the next word. Full stops end a sentence except inside numbers and after abbreviations, also where
the space was forgotten ("normal.No effusion").
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_ABBREVIATIONS = frozenset(
    [
        "approx",
        "ca",
        "cf",
        "dr",
        "drs",
        "e.g",
        "eg",
        "etc",
        "excl",
        "fig",
        "figs",
        "i.e",
        "ie",
        "incl",
        "lt",
        "max",
        "min",
        "mr",
        "mrs",
        "ms",
        "no.",
        "nos",
        "pt",
        "resp",
        "rt",
        "st",
        "vs",
        "dd",
        "ddx",
        "med",
        "lat",
        "ant",
        "post",
        "sup",
        "inf",
        "prof",
        "dept",
        "yr",
        "yrs",
        "wk",
        "wks",
        "mth",
        "hosp",
        "ref",
    ]
)
# Runs are taken whole (++) and from their beginning, here and below: a line of ten thousand dots is read once.
_STOP = re.compile(r"(?<![.!?])[.!?]++(?=[\s\"')\]]|[A-Z][a-z]|$)|\n")
_BULLET = re.compile(
    r"[ \t]*(?:[-*\u2022\u2013\u2014>+]+[ \t]+|\(?\d{1,2}[.)][ \t]+|[a-z][.)][ \t]+)"
)
_LABEL = re.compile(r"[ \t]*[A-Za-z][\w /&()'-]{0,45}:(?=\s|$)")
_VALUE_END = re.compile(r"(?:[:=]|[ \t][-\u2013]|(?<!\.)\.{4,}+)[ \t]*+\w++\Z")
"""A field with its value, which may be a word that elsewhere goes on ("Effusion: no")."""
_SHORT_VALUE = re.compile(r"[ \t]*\w+(?:[ \t]\w+)?[.;,]?[ \t]*")
"""One or two words on the line below a field's name are its value ("Effusion:", below it "None.")."""
_ELLIPSIS_DOTS = 3
_LAST_WORD = re.compile(r"((?<![\w.])[\w.]++)\Z")
_WRAPPED_FROM = 45
"""Lines shorter than this are not wrapped text; a report that narrow is a list."""
_NARROWEST = 24
"""Narrower lines than this are a list even where they begin with small letters."""
_OPEN_END = re.compile(
    r"(?:[,/&(]|\b(?:and|or|of|the|a|an|in|with|to|for|at|on|by|no|is|are|was|from|which|right|left))\s*\Z",
    re.IGNORECASE,
)
_LONGEST_OPEN = 5
"""Letters of the longest of these words: it is looked for at the end of the line alone."""


class Span(NamedTuple):
    """Half-open character offsets."""

    start: int
    end: int


def split_sentences(text: str, *, lead: int = 0, width: int = 0) -> list[Span]:
    """Return the sentences of a text, as :func:`each_sentence` yields them."""
    return list(each_sentence(text, lead=lead, width=width))


def each_sentence(text: str, *, lead: int = 0, width: int = 0) -> Iterator[Span]:
    """Yield the sentences of a text, trimmed of white space, in order.

    ``lead`` is how many characters stand on its first line before it (a heading), ``width`` that of
    the longest line of the report that it is a part of.
    """
    width = max(width, wrap_width(text))
    start = 0
    for match in _STOP.finditer(text):
        if match.group() == "\n":
            if _wrapped(text, match.start(), width, lead):
                continue
            end = match.start()
        else:
            if (
                _is_abbreviation(text, start, match)
                or _is_query(text, match)
                or _is_leader(text, match)
            ):
                continue
            end = match.end()
        span = _trimmed(text, start, end)
        if span:
            yield span
        start = match.end()
    span = _trimmed(text, start, len(text))
    if span:
        yield span


def _trimmed(text: str, start: int, end: int) -> Span | None:
    """Return a stretch without the white space around it, ``None`` if there is nothing else."""
    rest = text[start:end].lstrip()
    inner = rest.rstrip()
    start = end - len(rest)
    return Span(start, start + len(inner)) if inner else None


def wrap_width(text: str) -> int:
    """Return the length of the longest line."""
    return max(map(len, map(str.rstrip, text.split("\n"))))


def _wrapped(text: str, at: int, width: int, lead: int) -> bool:
    """Whether the line break at this offset only wraps a running sentence."""
    line = text[text.rfind("\n", 0, at) + 1 : at].rstrip()
    next_end = text.find("\n", at + 1)
    following = text[at + 1 : next_end if next_end >= 0 else len(text)]
    if not line or not following.strip() or _BULLET.match(following) or _LABEL.match(following):
        return False
    stripped = following.lstrip()
    if _OPEN_END.search(line, max(len(line) - _LONGEST_OPEN, 0)) and not _VALUE_END.search(line):
        return True
    if line.endswith(":"):
        return _SHORT_VALUE.fullmatch(following) is not None
    first = stripped.split(None, 1)[0]
    length = len(line) + (0 if text.find("\n", 0, at) >= 0 else lead)
    full = length + 1 + len(first) > width
    if stripped[0].islower():
        narrow = width >= _NARROWEST and line[-1] not in ".!?;"
        return (full and narrow) or length >= _WRAPPED_FROM
    return full and width >= _WRAPPED_FROM


def _is_leader(text: str, match: re.Match[str]) -> bool:
    """Whether dots lead from a field to its value ("Effusion ..... none")."""
    rest = text[match.end() : match.end() + 2]
    return len(match.group()) > _ELLIPSIS_DOTS and rest.strip() != "" and "\n" not in rest[:1]


def _is_query(text: str, match: re.Match[str]) -> bool:
    """Whether a question mark stands before what it asks ("pain ? AVN")."""
    if not match.group().startswith("?"):
        return False
    before = text[match.start() - 1 : match.start()]
    behind = text[match.end() : match.end() + 1]
    return (not before or before.isspace() or before in ":;(") and (
        behind == " " or behind.isalnum()
    )


def _is_abbreviation(text: str, start: int, match: re.Match[str]) -> bool:
    if match.group() != ".":
        return False
    word = _LAST_WORD.search(text, max(start, match.start() - 12), match.start())
    if word is None:
        # a full stop on its own, or a numbered item "1." whose digits begin the sentence
        return False
    last = word.group(1).lower()
    if last.isdigit():
        # "1. Normal" at the start of a line is a list number, "at L5." is an end
        return word.start() == start or not text[start : word.start()].strip()
    if last == "no":
        # "no. 3" is a number; "Effusion: no. Joint space ..." is an end
        return text[match.end() : match.end() + 2].strip().isdigit()
    return last in _ABBREVIATIONS and match.end() < len(text) and text[match.end()] != "\n"


def lines(text: str) -> Iterator[Span]:
    """Yield each line without its line break."""
    start = 0
    while start <= len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield Span(start, end)
        start = end + 1
