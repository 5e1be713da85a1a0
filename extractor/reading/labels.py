"""Labels that name a finding whose value names it again ("Joint effusion: No significant joint effusion.")."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor.reading.candidates import Candidate
    from extractor.reading.scan import Scan
    from extractor.text.sections import Label

_SIDES = 2
"""Labels with a side that belong to one field."""
_PARTS_VALUE = frozenset({",", ";", "(", "than"})
"""Behind one of these the value does not begin any more ("Effusion: moderate, larger than the effusion of 2019")."""


def without_labels(found: list[Candidate], scan: Scan) -> list[Candidate]:
    """Drop what only heads its field: the value decides, and it names the same finding itself."""
    headed = {id(one) for label in scan.document.labels for one in _heading(label, found, scan)}
    return [one for one in found if id(one) not in headed]


def with_sides_of_fields(found: list[Candidate], scan: Scan) -> list[Candidate]:
    """Give each side under a field its own finding ("Effusion:", below it "Right: small" and "Left: none").

    Where the value names the finding itself, only the field's name is dropped.
    """
    labels = scan.document.labels
    for position, label in enumerate(labels):
        heads = label.own_line or scan.document.text[label.end - 1] == "\n"
        if heads and labels[position + 1 : position + 2]:
            parts = _sides_under(label, labels[position + 1 : position + _SIDES + 1], scan)
            found = _divided(label, parts, found, scan) if parts else found
    return sorted(found, key=lambda one: one.start)


def _sides_under(label: Label, below: Sequence[Label], scan: Scan) -> list[Label]:
    """Return the labels right below one that name a side and have their value on their line."""
    if scan.document.text[label.end : below[0].start].strip(" \t\n-*\u2022"):
        return []
    return list(takewhile(lambda part: not part.own_line and _names_side(part, scan), below))


def _names_side(label: Label, scan: Scan) -> bool:
    tokens = scan.document.tokens
    first, last = tokens.index_at(label.start), tokens.index_at(label.end)
    hits = (*scan.kind("side"), *scan.kind("letter"))
    return any(first <= hit.start < last for hit in hits)


def _divided(
    label: Label, parts: Sequence[Label], found: list[Candidate], scan: Scan
) -> list[Candidate]:
    tokens, sentence_of = scan.document.tokens, scan.document.sentence_of
    first, last = tokens.index_at(label.start), tokens.index_at(label.end)
    heads = [one for one in found if first <= one.start and one.end <= last]
    if not heads:
        return found
    told = [one for one in found if one not in heads]
    for part in parts:
        start = tokens.index_at(part.start)
        end = tokens.index_at(part.start + len(part.text))
        named = {one.rule.finding for one in found if sentence_of[one.start] == sentence_of[start]}
        if sentence_of[start] >= 0 and heads[-1].rule.finding not in named:
            rule = heads[-1].rule.model_copy(update={"requires_place": []})
            told.append(replace(heads[-1], start=start, end=end, rule=rule, places=()))
    return told


def _heading(label: Label, found: Sequence[Candidate], scan: Scan) -> list[Candidate]:
    """Return the candidates in the label that the first sentence of its value names again."""
    tokens = scan.document.tokens
    first, last = tokens.index_at(label.start), tokens.index_at(label.end)
    within = [one for one in found if first <= one.start and one.end <= last]
    if not within:
        return []
    value = _named_again(label, last, found, scan)
    return [one for one in within if one.rule.finding in value]


def _named_again(
    label: Label, last: int, found: Sequence[Candidate], scan: Scan
) -> set[str | None]:
    """Return the findings that the first sentence behind the label names before any comma."""
    document = scan.document
    begins = next(
        (at for at in range(last, len(document.tokens)) if document.sentence_of[at] >= 0), None
    )
    if begins is None or document.tokens.starts[begins] >= label.scope_end:
        return set()
    return {
        one.rule.finding
        for one in found
        if one.start >= begins
        and document.sentence_of[one.start] == document.sentence_of[begins]
        and not one.rule.ellipsis
        and _PARTS_VALUE.isdisjoint(document.tokens.lower[begins : one.start])
    }
