"""Which places and which side a candidate is about: by scope, not by the nearest word."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor.model import Laterality
from extractor.reading.laterality import SideReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor.knowledge.schema import Finding
    from extractor.reading.candidates import Candidate
    from extractor.reading.clauses import Clauses
    from extractor.reading.places import Place, SideHit
    from extractor.reading.scan import Scan

_LIST_WORDS = frozenset({",", "and", "or", "/", "nor", "&", "+"})
_ANY = ""
"""Stands for every finding among the sites that were named last."""
_LIST_GAP = 5
_OF_PLACE = frozenset({"of", "in", "the", "at", "both", "left", "right", "(", ","})
"""Words that may stand between a name and the place that belongs to it."""
_MODIFIER_GAP = 3
_BESIDE = 2
_PREPOSITION_REACH = 3
_LEADING = frozenset(
    {
        "in",
        "of",
        "at",
        "within",
        "throughout",
        "about",
        "around",
        "along",
        "over",
        "on",
        "to",
        "into",
    }
    | {"from", "near", "across", "through", "beneath", "under", "both", "each", "either", "neither"}
    | {"involving", "involves", "involve", "affecting", "affects", "occupying", "occupies", "fills"}
    | {
        "filling",
        "replaces",
        "replacing",
        "surrounds",
        "surrounding",
        "confined",
        "limited",
        "centred",
    }
    | {":", "-", "(", "=", "+", "\u2013", "towards", "toward", "by", "deep", "adjacent"}
)
"""Words that lead to the place of what stands before them."""
_COPULAS = frozenset(
    {"is", "are", "was", "were", "appears", "appear", "looks", "look", "remains", "remain"}
)
_PARTS_SUBJECT = frozenset({",", "with", "and", "which", "that", "there"})
_SUBJECT_GAP = 4
_BETWEEN_MODIFIER_AND_HEAD = frozenset(
    {"in", "of", "within", "with", "and", ",", "is", "are", "from", "to", "at", "-", ":", "(", ")"}
    | {"without", "no", "not", "or", "nor", "but", "causing", "suggesting", "representing", ";"}
    | {
        "shows",
        "showing",
        "show",
        "showed",
        "shown",
        "demonstrates",
        "demonstrating",
        "demonstrate",
        "demonstrated",
        "reveals",
        "revealing",
        "reveal",
        "revealed",
    }
    | {
        "displays",
        "displaying",
        "displayed",
        "depicts",
        "depicting",
        "depicted",
        "disclosed",
        "exhibited",
        "there",
        "was",
        "were",
        "had",
        "has",
        "have",
        "contains",
        "containing",
        "due",
    }
)


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
        clauses: Clauses,
        titled: Sequence[Place],
        region: str | None,
        study_side: Laterality,
    ) -> None:
        self._scan = scan
        self._document = scan.document
        self._candidates = candidates
        settled = {hit.start for hit in scan.kind("settled")}
        self._places = [
            place
            for place in places
            if not place.exclusive and settled.isdisjoint(range(place.start, place.end + 1))
        ]
        self._place_starts = [place.start for place in self._places]
        self._starts = [one.start for one in candidates]
        self._region_hits = scan.by_sentence("region")
        self._going_on_hits = scan.by_sentence("going_on")
        self._region = region
        self._titled = titled
        self._sides = sides
        named = {name for place in places for name in place.regions}
        self._whole_region = region is not None and region not in named
        self._side_reader = SideReader(
            scan,
            sides=sides,
            places=places,
            clauses=clauses,
            study_side=study_side,
        )
        self._clause_of = clauses.number_of
        self._last_sites: dict[str, tuple[str, ...]] = {}

    def read(self, position: int) -> Sited:
        """Return where the candidate at this position in the list is."""
        one = self._candidates[position]
        finding = self._finding(one)
        if finding.of_patient:
            return Sited((), Laterality.UNSPECIFIED, named=False, places=())
        places = self._for(position)
        if finding.own_place:
            places = [place for place in places if self._in_noun_phrase(place, one)]
        if finding.exact_place and all(place.generic for place in places):
            sites = self._default(one) if places else ()
        else:
            sites = self._canonical(one, self._titled_part(places))
        if places and all(place.additive for place in places) and not finding.at_joint:
            sites = tuple(dict.fromkeys([*self._before_addition(one), *sites]))
        regions = self._regions_of(one, places)
        laterality, said = self._side_reader.read(one, self._sided(one, places), regions)
        if not sites:
            sites = tuple(one.rule.sites) or self._default(one)
        elif places:
            going_on = self._canonical(one, self._going_on(position, finding))
            sites = tuple(dict.fromkeys([*sites, *going_on]))
        if places and one.rule.finding:
            self._last_sites[one.rule.finding] = self._last_sites[_ANY] = sites
        return Sited(sites, one.rule.laterality or laterality, bool(places) or said, tuple(places))

    def _sided(self, one: Candidate, places: Sequence[Place]) -> Sequence[Place]:
        """Return the places that may give their side: none of an examination behind which one is said.

        "MRI of both hips revealed marrow oedema in the right femoral head and a small effusion".
        """
        examined = [place.end for place in places if place.examined]
        if not examined:
            return places
        first = max(examined)
        return [] if any(first <= side.start < one.start for side in self._sides) else places

    def _in_noun_phrase(self, place: Place, one: Candidate) -> bool:
        """Whether the place stands inside, right before or "of the" behind a candidate."""
        if place.start < one.end and one.start < place.end:
            return True
        if place.start >= one.end:
            return set(self._document.tokens.lower[one.end : place.start]) <= _OF_PLACE
        return self._modifies(place, one)

    def _for(self, position: int) -> list[Place]:
        one = self._candidates[position]
        sentence = self._document.sentence_at(one.start)
        fitting = self._fitting(one, sentence.start, sentence.end)
        clause = [
            place for place in fitting if self._clause_of[place.start] == self._clause_of[one.start]
        ]
        after = self._after(position, clause)
        own = self._own(one, fitting, clause)
        exact = any(not place.generic and not place.additive for place in after)
        if own and not (exact and all(place.generic for place in own)):
            return list(dict.fromkeys([*own, *(place for place in after if place.additive)]))
        finding = self._finding(one)
        if after or finding.place_behind or self._of_whole(one, finding):
            return after or self._from_label(one)
        return self._elsewhere(one, fitting, clause)

    def _of_whole(self, one: Candidate, finding: Finding) -> bool:
        """Whether the candidate itself says that it is of the skeleton as a whole ("generalised bone loss")."""
        spread = finding.extent_unplaced
        said = self._scan.between(f"extent:{spread}", one.start, one.end) if spread else ()
        return bool(said)

    def _own(
        self, one: Candidate, fitting: Sequence[Place], clause: Sequence[Place]
    ) -> list[Place]:
        """Return the places in the candidate, else right before it, else that of which it is said."""
        inside = [
            place
            for place in [*one.places, *fitting]
            if place.start < one.end and one.start < place.end and self._fits(one, place)
        ]
        subject = self._subject(one, clause)
        modifiers = [place for place in clause if self._modifies(place, one)]
        return inside or modifiers or ([subject] if subject else [])

    def _elsewhere(
        self, one: Candidate, fitting: Sequence[Place], clause: Sequence[Place]
    ) -> list[Place]:
        """Return what the clause, the sentence or the label name without leading to it."""
        before = [place for place in clause if place.end <= one.start]
        behind = [place for place in clause if place.start >= one.end and not place.additive]
        if behind and not before and not self._of_other(one, behind[0]):
            return [behind[0], *self._added_to(behind[0], clause)]
        earlier = [place for place in fitting if place.end <= one.start]
        return before[-1:] or earlier[-1:] or self._pointed_at(one) or self._from_label(one)

    def _of_other(self, one: Candidate, place: Place) -> bool:
        """Whether a comma and another finding stand before the place ("osteopenic bones, old fracture of the neck")."""
        lower = self._document.tokens.lower
        first = bisect_left(self._starts, one.end)
        other = first < len(self._starts) and self._starts[first] < place.start
        parted = other and "," in lower[one.end : self._starts[first]]
        return parted or self._ends_predicate(one, place)

    def _ends_predicate(self, one: Candidate, place: Place) -> bool:
        """Whether a candidate is all that is said of its subject, and the place is of a finding "with" it.

        "The bones are osteopenic, with an old fracture of the pubis".
        """
        lower = self._document.tokens.lower
        between = lower[one.end : place.start]
        first = bisect_left(self._starts, one.end)
        told = "with" in between and bisect_left(self._starts, place.start) > first
        before = lower[max(one.start - _SUBJECT_GAP, 0) : one.start]
        return told and "there" not in before and not _COPULAS.isdisjoint(before)

    def _subject(self, one: Candidate, clause: Sequence[Place]) -> Place | None:
        """Return the place of which the candidate is said ("the bones of the pelvis are osteopenic")."""
        before = [place for place in clause if place.end <= one.start]
        between = self._document.tokens.lower[before[-1].end : one.start] if before else []
        said = not _COPULAS.isdisjoint(between) and _PARTS_SUBJECT.isdisjoint(between)
        said = said and len(between) <= _SUBJECT_GAP and not before[-1].examined
        return before[-1] if said else None

    def _added_to(self, place: Place, clause: Sequence[Place]) -> list[Place]:
        """Return the additions that follow a place ("... of the head and descends into the neck")."""
        later = [other for other in clause if other.start >= place.end]
        return [other for other in later[:1] if other.additive]

    def _pointed_at(self, one: Candidate) -> list[Place]:
        """Return the place named last before the sentence, where the sentence points at it."""
        sentence = self._document.sentence_at(one.start)
        if not self._scan.between("anaphor", sentence.start, sentence.end):
            return []
        return self._fitting(one, 0, sentence.start)[-1:]

    def _going_on(self, position: int, finding: Finding) -> list[Place]:
        """Return the places to which the next sentence follows it ("This extends into the neck")."""
        one, index = self._candidates[position], self._document.sentence_of
        number = index[one.start] + 1
        hits = self._going_on_hits.get(number)
        sentences = self._document.sentences
        if not hits or finding.at_joint or hits[0].start != sentences[number].start:
            return []
        first = bisect_left(self._starts, one.start + 1)
        end = bisect_left(self._starts, sentences[number].start)
        if any(not self._finding(other).at_joint for other in self._candidates[first:end]):
            return []
        until = self._starts[end] if end < len(self._starts) else sentences[number].end
        places = self._fitting(one, hits[0].end, min(until, sentences[number].end))
        return places[:1]

    def _finding(self, one: Candidate) -> Finding:
        return self._scan.compiled.patterns.findings[one.rule.finding or ""]

    def _fitting(self, one: Candidate, start: int, end: int) -> list[Place]:
        """Return the places that begin in a token range and can be the candidate's site."""
        first, last = bisect_left(self._place_starts, start), bisect_left(self._place_starts, end)
        return [place for place in self._places[first:last] if self._fits(one, place)]

    def _fits(self, one: Candidate, place: Place) -> bool:
        finding = self._finding(one)
        return not finding.site_groups or bool(place.groups & set(finding.site_groups))

    def _after(self, position: int, clause: Sequence[Place]) -> list[Place]:
        """Return the places behind, up to the next statement that is not of the same list."""
        one = self._candidates[position]
        limit = len(self._clause_of)
        shared_from = limit
        end = one.end
        last = bisect_left(self._starts, self._document.sentence_at(one.start).end)
        for other in self._candidates[position + 1 : last]:
            if other.start < one.end:
                continue
            between = self._document.tokens.lower[end : other.start]
            if (
                len(between) > _LIST_GAP
                or not _LIST_WORDS & set(between)
                or self._place_in(end, other.start)
            ):
                limit = other.start
                break
            shared_from = min(shared_from, other.start)
            end = other.end
        found = [
            place
            for place in clause
            if one.end <= place.start < limit
            and not (place.additive and place.start > shared_from)
            and not self._ends_predicate(one, place)
        ]
        linked: list[Place] = []
        for place in found:
            follows = bool(linked) and place.start - linked[-1].end <= _LIST_GAP
            if follows or self._linked(place, one):
                linked.append(place)
        return [place for place in linked if not self._owned_by_next(position, place)]

    def _linked(self, place: Place, one: Candidate) -> bool:
        """Whether a preposition leads to the place ("..., widened notch and squared patella" has none)."""
        lower = self._document.tokens.lower
        near = place.start - one.end <= _BESIDE
        before = lower[max(one.end, place.start - _PREPOSITION_REACH) : place.start]
        return near or place.additive or not _LEADING.isdisjoint(before)

    def _place_in(self, start: int, end: int) -> bool:
        return bisect_left(self._place_starts, start) < bisect_left(self._place_starts, end)

    def _owned_by_next(self, position: int, place: Place) -> bool:
        return any(
            self._modifies(place, other) or (place.start < other.end and other.start < place.end)
            for other in self._candidates[position + 1 : position + 3]
        )

    def _modifies(self, place: Place, one: Candidate) -> bool:
        """Whether the place stands right before the candidate as its adjective ("hip effusion")."""
        gap = self._document.tokens.lower[place.end : one.start]
        return (
            place.end <= one.start
            and not (place.examined and gap)
            and len(gap) <= _MODIFIER_GAP
            and not _BETWEEN_MODIFIER_AND_HEAD & set(gap)
            and (self._clause_of[place.start] == self._clause_of[one.start])
        )

    def _from_label(self, one: Candidate) -> list[Place]:
        label = self._document.sentence_at(one.start).label
        if label is None or self._document.tokens.starts[one.start] < label.end:
            return []
        tokens = self._document.tokens
        return self._fitting(one, tokens.index_at(label.start), tokens.index_at(label.end))

    def _titled_part(self, places: Sequence[Place]) -> Sequence[Place]:
        """Return the part that the title names, where the text says less of its region ("the vertebral bodies")."""
        regions = self._scan.compiled.patterns.anatomy.regions
        vague = {name for place in places if "generic" in place.groups for name in place.regions}
        if len(vague) != 1 or len(places) > 1 or any(regions[name].paired for name in vague):
            return places
        exact = [one for one in self._titled if not one.generic and one.regions == vague]
        return exact[:1] or places

    def _canonical(self, one: Candidate, places: Sequence[Place]) -> tuple[str, ...]:
        if one.rule.sites:
            return tuple(one.rule.sites)
        finding = self._finding(one)
        regions = self._scan.compiled.patterns.anatomy.regions
        at_joint = finding.at_joint or one.rule.at_joint
        sites: list[str] = []
        for place in places:
            joints = [joint for name in sorted(place.regions) if (joint := regions[name].joint)]
            own = [place.joint] if place.joint else joints
            sites.extend(own if at_joint and own else place.sites)
        return tuple(dict.fromkeys(sites))

    def _before_addition(self, one: Candidate) -> tuple[str, ...]:
        sentence = self._document.sentence_at(one.start)
        earlier = [
            place
            for place in self._fitting(one, sentence.start, one.start)
            if place.end <= one.start and not place.additive
        ]
        if earlier:
            return earlier[-1].sites
        return self._last_sites.get(one.rule.finding or "", self._last_sites.get(_ANY, ()))

    def _default(self, one: Candidate) -> tuple[str, ...]:
        finding = self._finding(one)
        near = self._region_near(one) or ""
        region = self._scan.compiled.patterns.anatomy.regions.get(near)
        if region and not region.in_scope:
            titled = [place for place in self._titled if near in place.regions]
            places = [place for place in titled if self._fits(one, place)]
            if places:
                return self._canonical(one, places[:1])
        if self._whole_region and near == self._region and region and region.whole:
            # a report that names no place of its region says of no finding where in it it is
            site = region.joint if finding.at_joint else region.whole
        elif one.rule.at_joint and region and region.joint:
            site = region.joint
        else:
            site = finding.default_sites.get(near) or finding.default_sites.get("*")
        return (site,) if site else ()

    def _region_near(self, one: Candidate) -> str | None:
        """Return the region that the sentence speaks of, else the study's."""
        sentence = self._document.sentence_of[one.start]
        said = {hit.value for hit in self._region_hits.get(sentence, ())}
        return self._region if self._region in said or len(said) != 1 else next(iter(said))

    def _regions_of(self, one: Candidate, places: Sequence[Place]) -> set[str]:
        """Return the parts of the body that the candidate is about."""
        return {name for place in places for name in place.regions} or {
            self._region_near(one) or ""
        }
