"""Which side a candidate is about: noun phrase, clause, label, sentence, title, then what was said last."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from extractor.model import Laterality, SectionCategory, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor.reading.candidates import Candidate
    from extractor.reading.clauses import Clauses
    from extractor.reading.places import Place, SideHit
    from extractor.reading.scan import Scan
    from extractor.text.document import Sentence
    from extractor.text.sections import Label

_OPPOSITE = {Laterality.LEFT: Laterality.RIGHT, Laterality.RIGHT: Laterality.LEFT}
_MIDLINE = "midline"
"""Anatomy group of places that have no side of their own."""
_AHEAD = 2
"""Words before a candidate in which a side is its adjective."""
_JOINING_SIDES = frozenset({"and", "&", "sided"})
_PARTING_SIDES = frozenset({",", "and", "or", "but", "while"})
_TAKING_UP = frozenset({"the", "this", "that"})
"""Words by which a finding is the one that was told of before ("The effusion has increased")."""
_BEFORE_SIDE = frozenset({"on", "in", "of", "the", "(", "side", "is", "are"})
_BEHIND_PLACE = 4
"""Words behind a place in which a side still belongs to it ("femoral head on the right")."""


_LOOK_BACK = 100
"""Sentences with a side, at most, among which the one is looked for that was talked of."""


class SideReader:
    """Resolves sides for the candidates of one report; to be asked in text order."""

    def __init__(
        self,
        scan: Scan,
        *,
        sides: Sequence[SideHit],
        places: Sequence[Place],
        clauses: Clauses,
        study_side: Laterality,
    ) -> None:
        self._document = scan.document
        self._lower = scan.document.tokens.lower
        self._compiled = scan.compiled
        self._regions = scan.compiled.patterns.anatomy.regions
        self._by_sentence: dict[int, list[SideHit]] = {}
        for side in sides:
            self._by_sentence.setdefault(scan.document.sentence_of[side.start], []).append(side)
        self._sided = sorted(self._by_sentence)
        """Sentences that say a side."""
        self._regions_in: dict[int, set[str]] = {}
        for place in places:
            sentence = scan.document.sentence_of[place.start]
            self._regions_in.setdefault(sentence, set()).update(place.regions)
        self._settled = {hit.start for hit in scan.kind("settled")}
        self._by_label = self._group_by_label(sides)
        self._side_of_label: dict[int, Laterality | None] = {}
        labels = scan.document.labels
        self._headings = [position for position in self._by_label if labels[position].own_line]
        self._clause_of = clauses.number_of
        self._parted = clauses.part
        self._study_side = study_side
        self._last: Laterality | None = None
        self._spoken_of: Laterality | None = None
        self._sentence = -1
        self._sizes = {
            index for hit in scan.kind("severity") for index in range(hit.start, hit.end)
        }
        open_sides = any(side.end not in self._settled for side in sides)
        named = {side.value for side in sides} if open_sides else set()
        self._in_report = named & {"left", "right"}

    def read(
        self, one: Candidate, places: Sequence[Place], regions: set[str]
    ) -> tuple[Laterality, bool]:
        """Return the side of a candidate, and whether the words about it say it themselves."""
        sentence = self._document.sentence_at(one.start)
        if sentence.index != self._sentence:
            # "contralateral" is read against what was spoken of before its own sentence
            self._sentence = sentence.index
            label = self._on_label(sentence)
            self._spoken_of = (
                self._last if self._opens_with_other(sentence) else label or self._last
            )
        midline = bool(places) and all(_MIDLINE in place.groups for place in places)
        said = self._in_noun_phrase(one, places) or (None if midline else self._in_sentence(one))
        if said:
            self._last = said
            return said, True
        if midline:
            return Laterality.UNSPECIFIED, False
        plural = {place.laterality for place in places if place.laterality}
        label = self._on_label(sentence) or (plural.pop() if len(plural) == 1 else None)
        if label:
            return label, True
        return self._inherited(one, sentence, regions), False

    def _inherited(self, one: Candidate, sentence: Sentence, regions: set[str]) -> Laterality:
        """Return the side of the title, else the side that the text goes on about."""
        if self._study_side in _OPPOSITE:
            return self._study_side
        if any(name in self._regions and not self._regions[name].paired for name in regions):
            return Laterality.UNSPECIFIED
        taken_up = self._lower[max(one.start - 1, 0)] in _TAKING_UP
        joint = any(name in self._regions and self._regions[name].joint for name in regions)
        if not joint and not taken_up:
            return Laterality.UNSPECIFIED
        talked_of = self._talked_of(sentence, regions)
        if talked_of in _OPPOSITE:
            return talked_of
        if not talked_of and joint and len(self._in_report) == 1:
            return Laterality(next(iter(self._in_report)))
        titled = self._study_side == Laterality.BILATERAL
        both = titled and joint and self._is_denied(one, sentence)
        return Laterality.BILATERAL if both else Laterality.UNSPECIFIED

    def _is_denied(self, one: Candidate, sentence: Sentence) -> bool:
        """Whether a finding that has its place is denied: of both sides, where the title names both."""
        finding = self._compiled.patterns.findings.get(one.rule.finding or "")
        if finding is None or finding.extent_unplaced:
            return False
        before = self._denying(sentence.start, one.start)
        field = self._lower[one.end : one.end + 1] == [":"]
        behind = field and self._denying(one.end, sentence.end)
        return one.rule.status == Status.NEGATED or before or behind

    def _talked_of(self, sentence: Sentence, regions: set[str]) -> Laterality | None:
        """Return the side in the nearest sentence of the section before that speaks of a side of the region."""
        before = bisect_left(self._sided, sentence.index)
        for index in reversed(self._sided[:before][-_LOOK_BACK:]):
            if self._document.sentences[index].section_index != sentence.section_index:
                return None
            asked = self._document.sentences[index].section == SectionCategory.INDICATION
            if asked or self._regions_in.get(index, set()) & regions:
                own = self._by_sentence.get(index, ())
                if all(side.end in self._settled for side in own) and not self._denies(sentence):
                    # only a denial goes on about a side that was said to be normal
                    continue
                said = self._resolve(own)
                if said:
                    return said
        return None

    def _denies(self, sentence: Sentence) -> bool:
        """Whether anything is denied in the sentence."""
        return self._denying(sentence.start, sentence.end)

    def _denying(self, start: int, end: int) -> bool:
        words = tuple(self._lower[start:end])
        rules = self._compiled.cues
        hits = self._compiled.cue_finder.find([words])[0]
        return any(rules[hit.rule].category == "negation" for hit in hits)

    def _in_noun_phrase(self, one: Candidate, places: Sequence[Place]) -> Laterality | None:
        own = self._of_sentence(one)
        if self._joined_before(own, one):
            return Laterality.BILATERAL
        beside = [side for side in own if self._adjoins(side, one)]
        begins = self._document.sentence_at(one.start).start
        explicit = {
            place.laterality
            for place in places
            if place.laterality
            and place.start >= begins
            and self._clause_of[place.start] == self._clause_of[one.start]
        }
        touched = any(place.start < one.end and one.start < place.end for place in places)
        if explicit and (touched or not beside):
            return explicit.pop() if len(explicit) == 1 else Laterality.BILATERAL
        at_places = [
            side
            for side in own
            if self._clause_of[side.start] == self._clause_of[one.start]
            and any(
                place.start <= side.start and side.end <= place.end + _BEHIND_PLACE
                for place in places
            )
        ]
        inside = [side for side in own if one.start <= side.start < one.end]
        return self._resolve(inside) or self._resolve(beside) or self._resolve(at_places)

    def _joined_before(self, own: Sequence[SideHit], one: Candidate) -> list[SideHit]:
        """Return two sides that share the noun behind them ("moderate left and small right effusions")."""
        at = {index: side for side in own for index in range(side.start, side.end)}
        index = one.start - 1
        found: dict[int, SideHit] = {}
        while index >= 0 and (
            index in at or index in self._sizes or self._lower[index] in _JOINING_SIDES
        ):
            if index in at:
                found[at[index].start] = at[index]
            index -= 1
        return list(found.values()) if len({side.value for side in found.values()}) > 1 else []

    def _adjoins(self, side: SideHit, one: Candidate) -> bool:
        """Whether the side is the candidate's adjective ("left ...") or right behind it ("... on the left")."""
        if side.end <= one.start:
            between = self._lower[side.end : one.start]
            return len(between) < _AHEAD and _PARTING_SIDES.isdisjoint(between)
        told = range(one.end, side.start)
        return all(index in self._sizes or self._lower[index] in _BEFORE_SIDE for index in told)

    def _in_sentence(self, one: Candidate) -> Laterality | None:
        """Return the side said in the clause, else in the sentence: the only one, or the last before."""
        own = [side for side in self._of_sentence(one) if side.end not in self._settled]
        clause = [side for side in own if self._clause_of[side.start] == self._clause_of[one.start]]
        for group in (clause, own):
            told = [side for side in group if ";" not in self._lower[one.end : side.start]]
            if told and len({side.value for side in group}) == 1:
                return self._resolve(told)
            before = [side for side in group if side.end <= one.start]
            if before:
                return self._resolve(before[-1:])
        return None

    def _of_sentence(self, one: Candidate) -> list[SideHit]:
        """Return the sides of the candidate's sentence, without those of a remark behind it."""
        return [
            side
            for side in self._by_sentence.get(self._document.sentence_of[one.start], ())
            if side.start < one.end or not self._parted(side.start, one.start)
        ]

    def _resolve(self, sides: Sequence[SideHit]) -> Laterality | None:
        """Return the side meant by words for it; "contralateral" is read against the last side said."""
        values = {side.value for side in sides}
        if not values:
            return None
        if {"left", "right"} <= values or "bilateral" in values:
            return Laterality.BILATERAL
        known = self._spoken_of if self._spoken_of in _OPPOSITE else self._study_side
        if "other" in values:
            # where nothing was spoken of before, against what its own sentence says first
            return _OPPOSITE.get(known) or (_OPPOSITE.get(self._last) if self._last else None)
        if values == {"same"}:
            return known if known in _OPPOSITE else None
        return Laterality((values & {"left", "right"}).pop())

    def _on_label(self, sentence: Sentence) -> Laterality | None:
        """Return the side of the governing label, or of the last one on a line of its own before it."""
        if sentence.label is None:
            return None
        labels = self._document.labels
        position = bisect_right(labels, sentence.label.start, key=_start) - 1
        if position not in self._by_label:
            above = bisect_left(self._headings, position) - 1
            if above < 0:
                return None
            position = self._headings[above]
        if position not in self._side_of_label:
            # "Opposite hip:" is read once, against what was spoken of above it
            self._side_of_label[position] = self._resolve(self._by_label[position])
        return self._side_of_label[position]

    def _opens_with_other(self, sentence: Sentence) -> bool:
        """Whether the sentence begins with a label for the other side ("Opposite hip: no effusion")."""
        if (
            sentence.label is None
            or sentence.label.start < self._document.tokens.starts[sentence.start]
        ):
            return False
        position = bisect_right(self._document.labels, sentence.label.start, key=_start) - 1
        return any(side.value == "other" for side in self._by_label.get(position, ()))

    def _group_by_label(self, sides: Sequence[SideHit]) -> dict[int, list[SideHit]]:
        """Return the sides that labels name, by the position of the label."""
        labels = self._document.labels
        grouped: dict[int, list[SideHit]] = {}
        for side in sides:
            offset = self._document.tokens.starts[side.start]
            position = bisect_right(labels, offset, key=_start) - 1
            if position >= 0 and offset < labels[position].end:
                grouped.setdefault(position, []).append(side)
        return grouped


def _start(label: Label) -> int:
    return label.start
