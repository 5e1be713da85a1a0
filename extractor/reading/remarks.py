"""Remarks in brackets or behind a dash that state something of their own.

"No AVN (subchondral line or collapse)" goes on with what it denies; "no fracture (the bones are
osteopenic)" and "no AVN - there is marrow oedema" do not: neither the denial, nor a place or side,
holds across the sign. Only a remark that names a finding is looked at.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extractor.reading.candidates import Candidate
    from extractor.reading.places import SideHit
    from extractor.reading.scan import Scan

_STATING = frozenset(
    {"is", "are", "was", "were", "has", "have", "there", "may", "might", "shows", "show", "showed"}
    | {"demonstrates", "demonstrate", "reveals", "noted", "seen", "present", "remains", "persists"}
    | {"limited", "limits", "limiting", "given", "despite"}
)
"""Words of a statement, or of a reason why a denial is weak ("limited by ...")."""
_THOUGHT = frozenset(
    {"would", "should", "if", "or", "nor", "no", "not", "without", "as", "including"}
)
"""Words with which a remark explains, lists or itself denies."""
_DASHES = frozenset({"-", "\u2013", "\u2014"})
_OPENING = _DASHES | {"("}
_LEADING = frozenset({"of", "in", "within", "throughout", "involving", "at"})
_SIZED_FROM = 2
"""Words at the beginning of a remark in which its size stands ("(a small effusion)")."""
_SIZE_GAP = 3
"""Words between a size and the finding that it opens a statement about, the size included."""
_PLACE_GAP = 3
"""Words behind a finding within which a preposition gives it a place of its own."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Half-open token range, without its signs."""

    start: int
    end: int


def find_remarks(
    scan: Scan, candidates: Sequence[Candidate], sides: Sequence[SideHit]
) -> list[Remark]:
    """Return the remarks that state something of their own, in text order."""
    if _OPENING.isdisjoint(scan.document.tokens.lower):
        return []
    told = _Told(scan, candidates, sides)
    spoken = sorted({scan.document.sentence_of[one.start] for one in candidates})
    return [
        remark
        for index in spoken
        for begins, remark in _signed(scan, scan.document.sentences[index].start, index)
        if told.states(begins, remark)
    ]


def _signed(scan: Scan, begins: int, sentence: int) -> Iterator[tuple[int, Remark]]:
    """Yield what stands in brackets or behind a spaced dash, with the beginning of its sentence."""
    lower = scan.document.tokens.lower
    end = scan.document.sentences[sentence].end
    for index in range(begins + 1, end - 1):
        if lower[index] not in _OPENING:
            continue
        if lower[index] == "(":
            closed = (at for at in range(index + 1, end) if lower[at] == ")")
            yield begins, Remark(index + 1, next(closed, end))
        elif _is_dash(scan, index):
            ends = (at for at in range(index + 1, end) if lower[at] == ";" or _is_dash(scan, at))
            yield begins, Remark(index + 1, next(ends, end))


def _is_dash(scan: Scan, index: int) -> bool:
    """Whether a dash stands alone between words, and neither joins them nor is a minus."""
    tokens = scan.document.tokens
    return (
        tokens.lower[index] in _DASHES
        and index + 1 < len(tokens)
        and tokens.ends[index - 1] < tokens.starts[index]
        and tokens.ends[index] < tokens.starts[index + 1]
    )


class _Told:
    """Answers what a stretch of a report tells."""

    def __init__(
        self, scan: Scan, candidates: Sequence[Candidate], sides: Sequence[SideHit]
    ) -> None:
        self._scan = scan
        self._lower = scan.document.tokens.lower
        self._candidates = candidates
        self._starts = [one.start for one in candidates]
        self._sides = sides
        self._side_starts = [side.start for side in sides]
        self._sizes = {hit.start for hit in scan.kind("severity")}
        self._sites = {hit.start for hit in scan.kind("site")}

    def states(self, begins: int, remark: Remark) -> bool:
        """Whether a remark with a finding states it: by a verb, a size, another side, a place."""
        named = self._named(remark.start, remark.end)
        words = set(self._lower[remark.start : remark.end])
        if not named or not words.isdisjoint(_THOUGHT - {"no", "not"}) or self._is_value(remark):
            return False
        if not words.isdisjoint(_STATING) or self._of_other_side(begins, remark):
            return True
        before = self._named(begins, remark.start)
        if not before or not words.isdisjoint(_THOUGHT):
            return False
        again = before[-1].rule.finding == named[0].rule.finding
        listed = any(_is_dash(self._scan, at) for at in range(begins + 1, remark.start - 1))
        placed = not listed and self._placed(remark, named)
        return not again and (placed or self._sized(remark, named[0]))

    def _named(self, start: int, end: int) -> Sequence[Candidate]:
        return self._candidates[bisect_left(self._starts, start) : bisect_left(self._starts, end)]

    def _is_value(self, remark: Remark) -> bool:
        """Whether nothing but a field's name stands before a dash ("Effusion - small effusion")."""
        return self._lower[remark.start - 1] in _DASHES and not self._named(0, remark.start)

    def _of_other_side(self, begins: int, remark: Remark) -> bool:
        first, own, last = (
            bisect_left(self._side_starts, at) for at in (begins, remark.start, remark.end)
        )
        if not first < own < last:
            return False
        return {self._sides[own].value, self._sides[own - 1].value} == {"left", "right"}

    def _sized(self, remark: Remark, first: Candidate) -> bool:
        at = range(remark.start, min(remark.start + _SIZED_FROM, first.start + 1))
        return any(index in self._sizes and first.start - index <= _SIZE_GAP for index in at)

    def _placed(self, remark: Remark, named: Sequence[Candidate]) -> bool:
        """Whether a dash leads to one finding with its own place ("no AVN - oedema of the head")."""
        if len(named) > 1 or self._lower[remark.start - 1] not in _DASHES:
            return False
        behind = range(named[0].end, min(named[0].end + _PLACE_GAP, remark.end))
        leads = any(self._lower[index] in _LEADING for index in behind)
        return leads and any(index in self._sites for index in range(named[0].end, remark.end))
