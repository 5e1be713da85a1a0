"""Two findings between which a report leaves the choice: "transient osteoporosis or stress fracture".

Weaker than every other cue: what is denied, asked for, ranked or past stays so. "Femoral head or
neck", "mild or moderate" and two names of one finding are no choice between findings.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from extractor.medspacy_adapter import CueHit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor.reading.candidates import Candidate
    from extractor.reading.scan import Scan

_BEFORE = 7
"""Words between a finding and the choice: its place and no more."""
_AFTER = 4
"""Words between the choice and the other finding ("or early ...")."""
_OF_PLACE = frozenset({"of", "in", "the", "at", "within", "on", "side", "(", ")"})
_RANKED = frozenset(
    {
        "less",
        "more",
        "possibly",
        "perhaps",
        "even",
        "rather",
        "not",
        "no",
        "without",
        "if",
        "and",
        ",",
    }
)
"""Words with which what follows is ranked or begins something else."""


@dataclass(frozen=True, slots=True)
class _Item:
    """A candidate, or words for a rival that is no finding of the audit."""

    start: int
    end: int
    family: str | None
    diagnosis: bool


def find_alternatives(scan: Scan, candidates: Sequence[Candidate]) -> dict[int, CueHit]:
    """Return the choice that each candidate is part of, by the token where the candidate begins."""
    choices = scan.kind("choice")
    if not choices:
        return {}
    items = _items(scan, candidates)
    told = {
        index
        for kind in ("site", "side", "letter", "severity", "extent")
        for hit in scan.kind(kind)
        for index in range(hit.start, hit.end)
    }
    found: dict[int, CueHit] = {}
    for hit in choices:
        at = next((at for at, one in enumerate(items) if one.start >= hit.end), 0)
        before, after = items[at - 1 : at], items[at : at + 1]
        if not before or not after or not _are_rivals(scan, before[0], after[0], hit.value):
            continue
        if _adjoins(scan, told, before[0].end, hit.start) and _leads(scan, hit.end, after[0]):
            cue = CueHit(hit.value, hit.start, hit.end, hit.start, hit.end)
            listed = _listed(scan, told, items[:at])
            found.update((one.start, cue) for one in [*listed, after[0]])
    return found


def _items(scan: Scan, candidates: Sequence[Candidate]) -> list[_Item]:
    findings = scan.compiled.patterns.findings
    known = [
        _Item(one.start, one.end, findings[name].family or name, findings[name].is_diagnosis)
        for one in candidates
        if (name := one.rule.finding)
    ]
    taken = {index for one in known for index in range(one.start, one.end)}
    rivals = [
        _Item(hit.start, hit.end, None, diagnosis=False)
        for hit in scan.kind("rival")
        if taken.isdisjoint(range(hit.start, hit.end))
    ]
    return sorted([*known, *rivals], key=lambda one: one.start)


def _are_rivals(scan: Scan, one: _Item, other: _Item, cue: str) -> bool:
    sentence_of = scan.document.sentence_of
    wanted = not scan.compiled.cues[cue].of_diagnoses or (one.diagnosis and other.diagnosis)
    together = sentence_of[one.start] == sentence_of[other.start]
    return together and wanted and one.family != other.family


def _adjoins(scan: Scan, told: set[int], start: int, end: int) -> bool:
    """Whether nothing but a place stands between."""
    lower = scan.document.tokens.lower
    between = range(start, end)
    return len(between) <= _BEFORE and all(
        index in told or lower[index] in _OF_PLACE for index in between
    )


def _leads(scan: Scan, start: int, other: _Item) -> bool:
    between = scan.document.tokens.lower[start : other.start]
    return 0 <= len(between) <= _AFTER and _RANKED.isdisjoint(between)


def _listed(scan: Scan, told: set[int], before: Sequence[_Item]) -> list[_Item]:
    """Return what stands before the choice: the last item, and diagnoses listed with it by commas."""
    lower = scan.document.tokens.lower
    listed = [before[-1]]
    for one, other in pairwise(reversed(before)):
        comma = one.start - 1
        if not (one.diagnosis and other.diagnosis and lower[comma] == ","):
            break
        if not _adjoins(scan, told, other.end, comma):
            break
        listed.append(other)
    return listed
