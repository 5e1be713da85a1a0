"""The words around a candidate that belong to it: how far its quote goes, its size and its spread."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor.knowledge.schema import Finding
    from extractor.reading.candidates import Candidate
    from extractor.reading.places import Place
    from extractor.reading.scan import Hit, Scan
    from extractor.reading.siting import Sited

_REACH = 4
"""Words between a descriptor and what it describes, at most."""
_QUOTE_GAP = 2
_PARTING = frozenset({",", "and", "or", "with", "in", "of", "no", ":", ";"})
"""Words across which a descriptor does not describe."""
_LINKING = frozenset({":", "is", "are", "-", "=", "appears", "which", "now"})
"""Words between a mention and the size that is said of it ("the effusion is small")."""
_COURSE = 6
_NOW = (["now"], ["only"])
_PARTING_BEHIND = frozenset({",", "with", ";", "no"})
"""What parts a mention from a size behind it, unlike a course ("has decreased and is now trace")."""
_BEFORE_PLACE = frozenset({"of", "in", "the"})


class Wording:
    """Answers for the candidates of one report which words belong to them."""

    def __init__(
        self, scan: Scan, candidates: Sequence[Candidate], places: Sequence[Place]
    ) -> None:
        self._document = scan.document
        self._lower = scan.document.tokens.lower
        self._starts = [one.start for one in candidates]
        self._place_at = {place.start: place for place in places}
        self._hits = {kind: scan.by_sentence(kind) for kind in ("severity", "extent")}

    def quote_range(self, one: Candidate, finding: Finding, sited: Sited) -> tuple[int, int]:
        """Return the token range of the quote: the match and what stands directly beside it."""
        wanted = {*finding.quote_left, *one.rule.quote_left}
        ends: dict[int, int] = {}
        for kind in sorted(wanted & set(self._hits)):
            ends.update({hit.end: hit.start for hit in self._near(kind, one)})
        if "place" in wanted:
            begins = self._document.sentence_at(one.start).start
            ends.update({place.end: place.start for place in sited.places if place.start >= begins})
        first = one.start
        while (start := self._adjoining(ends, first)) is not None:
            first = start
        return first, self._right_end(one) if finding.quote_right else one.end

    def _adjoining(self, ends: dict[int, int], first: int) -> int | None:
        for end in range(first, first - _QUOTE_GAP, -1):
            start = ends.get(end)
            if start is not None and start < first and not _PARTING & set(self._lower[end:first]):
                return start
        return None

    def _right_end(self, one: Candidate) -> int:
        """Return where the quote ends if a place that follows directly belongs to it."""
        sentence = self._document.sentence_at(one.start)
        for start in range(one.end, min(one.end + _QUOTE_GAP + 1, sentence.end)):
            if start in self._place_at:
                return self._place_at[start].end
            if self._lower[start] not in _BEFORE_PLACE:
                break
        return one.end

    def descriptor(self, kind: str, one: Candidate) -> str | None:
        """Return the nearest severity or extent that is said of the candidate."""
        distances = [
            (distance, hit.value)
            for hit in self._near(kind, one)
            if (distance := self._distance(hit, one)) is not None
        ]
        return min(distances, key=lambda pair: pair[0])[1] if distances else None

    def extent(self, one: Candidate, finding: Finding, sited: Sited) -> str | None:
        """Return the spread: of one place or of all, where the finding tells these apart."""
        said = self.descriptor("extent", one)
        if finding.extent_placed is None:
            return said
        if sited.named and not any("whole" in place.groups for place in sited.places):
            return finding.extent_placed
        told = {finding.extent_placed, finding.extent_unplaced}
        return said if said in told else finding.extent_unplaced

    def _near(self, kind: str, one: Candidate) -> Sequence[Hit]:
        return self._hits[kind].get(self._document.sentence_of[one.start], ())

    def _distance(self, hit: Hit, one: Candidate) -> int | None:
        """Return how many words away a descriptor of the candidate is; ``None``: it is not its own."""
        if hit.start >= one.start and hit.end <= one.end:
            return 0
        if hit.end <= one.start:
            between = self._lower[hit.end : one.start]
            apart = _PARTING & set(between) or self._holds_candidate(hit.end, one.start)
            return None if apart or len(between) > _REACH else len(between)
        between = self._lower[one.end : hit.start]
        told = (
            len(between) <= _COURSE and between[-1:] in _NOW and _PARTING_BEHIND.isdisjoint(between)
        )
        return len(between) + 1 if set(between) <= _LINKING or told else None

    def _holds_candidate(self, start: int, end: int) -> bool:
        return bisect_left(self._starts, start) < bisect_left(self._starts, end)
