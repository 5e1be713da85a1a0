"""Statements in two sentences: each says half of what a finding takes.

"High STIR signal in the femoral head. Corresponding low signal on T1." A rule names in
``completed_by`` what the other half says. It may stand behind in the same sentence or in the next
one, or be a statement of its own beside it, of the same place.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from extractor.reading.candidates import Candidate, holds_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor.reading.scan import Scan


class Halves:
    """Finds out which candidates of a report are completed by what stands beside them."""

    def __init__(self, scan: Scan, candidates: Sequence[Candidate]) -> None:
        self._scan = scan
        self._document = scan.document
        self._told: dict[int, list[Candidate]] = defaultdict(list)
        for one in candidates:
            self._told[self._document.sentence_of[one.start]].append(one)

    def completed(self, one: Candidate) -> bool:
        """Whether the other half of a pair is said."""
        if not self._is_half(one):
            return False
        own = self._document.sentence_at(one.start)
        return (
            self._is_said_next(one, own.index + 1)
            or self._is_told_beside(one, own.index - 1)
            or self._is_told_beside(one, own.index + 1)
            or self._goes_on(one)
        )

    def _is_half(self, one: Candidate) -> bool:
        compiled = self._scan.compiled
        return compiled.rule_index.get(one.rule.id, -1) in compiled.completing

    def _says(self, one: Candidate, sentence: int, after: int = 0) -> bool:
        """Whether a sentence holds what completes ``one``."""
        compiled = self._scan.compiled
        phrases = compiled.completing[compiled.rule_index[one.rule.id]]
        return any(holds_in(self._scan, phrase, sentence, after) for phrase in phrases)

    def _is_said_next(self, one: Candidate, sentence: int) -> bool:
        return sentence not in self._told and self._says(one, sentence)

    def _is_told_beside(self, one: Candidate, sentence: int) -> bool:
        """Whether a sentence that says nothing else tells the other half of the same place."""
        told = self._told.get(sentence, [])
        return (
            bool(told)
            and all(self._is_half(other) and _same_place(one, other) for other in told)
            and self._says(one, sentence)
        )

    def _goes_on(self, one: Candidate) -> bool:
        """Whether the other half stands behind, with no other site between."""
        own = self._document.sentence_at(one.start)
        elsewhere = any(one.end <= hit.start < own.end for hit in self._scan.kind("site"))
        return not elsewhere and self._says(one, own.index, after=one.end)


def _same_place(one: Candidate, other: Candidate) -> bool:
    sides = {place.laterality for place in (*one.places, *other.places)} - {None}
    sites, others = (
        {site for place in half.places for site in place.sites} for half in (one, other)
    )
    return one.rule.finding == other.rule.finding and len(sides) <= 1 and bool(sites & others)
