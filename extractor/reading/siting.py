"""Which places and which side a candidate is about: by scope, not by the nearest word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from extractor.medspacy_adapter import CueHit
from extractor.model import Laterality
from extractor.reading.candidates import Candidate
from extractor.reading.places import Place, SideHit
from extractor.reading.scan import Scan
from extractor.text.sections import Label

_LIST_WORDS = frozenset({",", "and", "or", "/", "nor", "&", "+"})
_LIST_GAP = 5
_MODIFIER_GAP = 3
_BETWEEN_MODIFIER_AND_HEAD = frozenset({"in", "of", "within", "with", "and", ",", "shows", "is", "are", "from", "to", "at"})
_OPPOSITE = {Laterality.LEFT: Laterality.RIGHT, Laterality.RIGHT: Laterality.LEFT}


@dataclass(frozen=True, slots=True)
class Sited:
    """Where a candidate is."""

    sites: tuple[str, ...]
    laterality: Laterality
    named: bool
    """Whether the report itself names the place or the side."""
    places: tuple[Place, ...]


class SiteReader:
    """Resolves places and sides for the candidates of one report, in text order."""

    def __init__(
        self,
        scan: Scan,
        candidates: Sequence[Candidate],
        *,
        places: Sequence[Place],
        sides: Sequence[SideHit],
        clauses: Sequence[int],
        region: str | None,
        study_side: Laterality,
    ) -> None:
        self._scan = scan
        self._document = scan.document
        self._candidates = candidates
        self._places = [place for place in places if not place.exclusive]
        self._sides = sides
        self._region = region
        self._study_side = study_side
        self._clause_of = clauses
        self._last_side: Laterality | None = None
        self._last_side_section = -1
        self._last_sites: dict[str, tuple[str, ...]] = {}
        self._all_sides = {side.value for side in sides} & {"left", "right"}

    def read(self, position: int) -> Sited:
        """Return where the candidate at this position in the list is."""
        one = self._candidates[position]
        places = self._for(position)
        sites = self._canonical(one, places)
        if places and all(place.additive for place in places):
            sites = tuple(dict.fromkeys([*self._before_addition(one), *sites]))
        laterality, said = self._side(one, places)
        if not sites:
            sites = tuple(one.rule.sites) or self._default(one)
        if places and one.rule.finding:
            self._last_sites[one.rule.finding] = sites
        return Sited(sites, one.rule.laterality or laterality, bool(places) or said, tuple(places))

    def _for(self, position: int) -> list[Place]:
        one = self._candidates[position]
        fitting = [place for place in self._places if self._fits(one, place)]
        own = [place for place in [*one.places, *fitting] if place.start < one.end and one.start < place.end and self._fits(one, place)]
        clause = [place for place in fitting if self._clause_of[place.start] == self._clause_of[one.start]]
        if own:
            return list(dict.fromkeys([*own, *(place for place in self._after(position, clause) if place.additive)]))
        modifier = [place for place in clause if self._modifies(place, one)]
        after = self._after(position, clause)
        if modifier:
            return [*modifier, *(place for place in after if place.additive)]
        if after:
            return after
        before = [place for place in clause if place.end <= one.start]
        behind = [place for place in clause if place.start >= one.end and not place.additive]
        sentence = self._document.sentence_of[one.start]
        earlier = [place for place in fitting if place.end <= one.start and self._document.sentence_of[place.start] == sentence]
        return before[-1:] or behind[:1] or earlier[-1:] or self._from_label(one)

    def _fits(self, one: Candidate, place: Place) -> bool:
        finding = self._scan.compiled.patterns.findings[one.rule.finding or ""]
        return not finding.site_groups or bool(place.groups & set(finding.site_groups))

    def _after(self, position: int, clause: Sequence[Place]) -> list[Place]:
        """Return the places behind, up to the next statement that is not of the same list."""
        one = self._candidates[position]
        limit = len(self._clause_of)
        shared_from = limit
        end = one.end
        for other in self._candidates[position + 1 :]:
            between = self._document.tokens.lower[end : other.start]
            if len(between) > _LIST_GAP or not _LIST_WORDS & set(between) or self._place_in(end, other.start):
                limit = other.start
                break
            shared_from = min(shared_from, other.start)
            end = other.end
        found = [
            place for place in clause if one.end <= place.start < limit and not (place.additive and place.start > shared_from)
        ]
        return [place for place in found if not self._owned_by_next(position, place)]

    def _place_in(self, start: int, end: int) -> bool:
        return any(start <= place.start < end for place in self._places)

    def _owned_by_next(self, position: int, place: Place) -> bool:
        return any(self._modifies(place, other) for other in self._candidates[position + 1 : position + 3])

    def _modifies(self, place: Place, one: Candidate) -> bool:
        """Whether the place stands right before the candidate as its adjective ("hip effusion")."""
        gap = self._document.tokens.lower[place.end : one.start]
        return place.end <= one.start and len(gap) <= _MODIFIER_GAP and not _BETWEEN_MODIFIER_AND_HEAD & set(gap) and (
            self._clause_of[place.start] == self._clause_of[one.start]
        )

    def _from_label(self, one: Candidate) -> list[Place]:
        label = self._document.sentence_at(one.start).label
        if label is None or self._document.tokens.starts[one.start] < label.end:
            return []
        tokens = self._document.tokens
        return [
            place
            for place in self._places
            if label.start <= tokens.starts[place.start] < label.end and self._fits(one, place)
        ]

    def _canonical(self, one: Candidate, places: Sequence[Place]) -> tuple[str, ...]:
        finding = self._scan.compiled.patterns.findings[one.rule.finding or ""]
        regions = self._scan.compiled.patterns.anatomy.regions
        sites: list[str] = list(one.rule.sites)
        for place in places:
            joints = [joint for name in sorted(place.regions) if (joint := regions[name].joint)]
            sites.extend(joints if finding.at_joint and joints else place.sites)
        return tuple(dict.fromkeys(sites))

    def _before_addition(self, one: Candidate) -> tuple[str, ...]:
        earlier = [place for place in self._places if place.end <= one.start and not place.additive and self._fits(one, place)]
        same_sentence = [
            place for place in earlier if self._document.sentence_of[place.start] == self._document.sentence_of[one.start]
        ]
        if same_sentence:
            return same_sentence[-1].sites
        known = self._last_sites.get(one.rule.finding or "")
        return known or (earlier[-1].sites if earlier else ())

    def _default(self, one: Candidate) -> tuple[str, ...]:
        finding = self._scan.compiled.patterns.findings[one.rule.finding or ""]
        site = finding.default_sites.get(self._region_near(one) or "") or finding.default_sites.get("*")
        return (site,) if site else ()

    def _region_near(self, one: Candidate) -> str | None:
        """Return the region that the sentence speaks of, else the study's."""
        sentence = self._document.sentence_of[one.start]
        said = {hit.value for hit in self._scan.kind("region") if self._document.sentence_of[hit.start] == sentence}
        return self._region if self._region in said or len(said) != 1 else next(iter(said))

    def _side(self, one: Candidate, places: Sequence[Place]) -> tuple[Laterality, bool]:
        sentence = self._document.sentence_at(one.start)
        said = self._said_side(one, places)
        if said is not None:
            self._last_side, self._last_side_section = said, sentence.section_index
            return said, True
        label = self._label_side(sentence.label)
        if label is not None:
            return label, True
        if self._study_side in _OPPOSITE:
            return self._study_side, False
        plural = next((place.laterality for place in places if place.laterality), None)
        if plural:
            return plural, True
        if not self._paired(places, one):
            return Laterality.UNSPECIFIED, False
        if self._last_side and self._last_side_section == sentence.section_index:
            return self._last_side, False
        if len(self._all_sides) == 1:
            return Laterality(next(iter(self._all_sides))), False
        return Laterality.UNSPECIFIED, False

    def _paired(self, places: Sequence[Place], one: Candidate) -> bool:
        """Whether what the candidate is about has sides at all."""
        regions = self._scan.compiled.patterns.anatomy.regions
        names = {name for place in places for name in place.regions} or {self._region_near(one) or ""}
        return all(name not in regions or regions[name].paired for name in names)

    def _said_side(self, one: Candidate, places: Sequence[Place]) -> Laterality | None:
        """Return the side in the noun phrase, else in the clause, else in the sentence."""
        inside = [side for side in self._sides if one.start - 2 <= side.start and side.end <= one.end + 1]
        in_places = [
            side for place in places for side in self._sides if place.start <= side.start and side.end <= place.end + 4
            and self._document.sentence_of[side.start] == self._document.sentence_of[one.start]
        ]
        explicit = {place.laterality for place in places if place.laterality} or None
        if explicit and len(explicit) == 1:
            return next(iter(explicit))
        if explicit:
            return Laterality.BILATERAL
        near = self._resolve(in_places) or self._resolve(inside)
        if near:
            return near
        sentence = self._document.sentence_of[one.start]
        own = [side for side in self._sides if self._document.sentence_of[side.start] == sentence]
        clause = [side for side in own if self._clause_of[side.start] == self._clause_of[one.start]]
        for group in (clause, own):
            values = {side.value for side in group}
            if len(values) == 1:
                return self._resolve(group)
            before = [side for side in group if side.end <= one.start]
            if before:
                return self._resolve(before[-1:])
        return None

    def _resolve(self, sides: Sequence[SideHit]) -> Laterality | None:
        values = {side.value for side in sides}
        if not values:
            return None
        if {"left", "right"} <= values or "bilateral" in values:
            return Laterality.BILATERAL
        known = self._last_side if self._last_side in _OPPOSITE else self._study_side
        if "other" in values:
            return _OPPOSITE.get(known)
        if values == {"same"}:
            return known if known in _OPPOSITE else None
        return Laterality((values & {"left", "right"}).pop())

    def _label_side(self, label: Label | None) -> Laterality | None:
        """Return the side of the label that governs, or of the last label on a line of its own before it."""
        if label is None:
            return None
        tokens = self._document.tokens
        labels = self._document.labels
        for candidate in [label, *(one for one in reversed(labels) if one.start < label.start and one.own_line)]:
            inside = [side for side in self._sides if candidate.start <= tokens.starts[side.start] < candidate.end]
            if inside:
                return self._resolve(inside)
        return None


def number_clauses(scan: Scan, cues: Sequence[CueHit]) -> list[int]:
    """Return the clause number of each token; contrasts, semicolons and a label's colon part clauses."""
    rules = scan.compiled.cues
    starts = {cue.start for cue in cues if rules[cue.rule].clause}
    tokens = scan.document.tokens
    starts |= {tokens.index_at(label.end) for label in scan.document.labels}
    starts |= {index for index, word in enumerate(scan.document.tokens.lower) if word == ";"}
    numbers: list[int] = []
    number = 0
    previous = -1
    for index, sentence in enumerate(scan.document.sentence_of):
        if sentence != previous or index in starts:
            number += 1
        previous = sentence
        numbers.append(number)
    return numbers
