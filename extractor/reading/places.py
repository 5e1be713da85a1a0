"""Places of the body, joined into phrases: "the right femoral head and neck, into the trochanters"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor.model import Laterality
from extractor.reading.scan import Hit, Scan, longest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor.knowledge.schema import Site

_MAX_JOIN = 8
"""More words than this between two places and they are two phrases."""
_EXACT = "exact"
"""Anatomy group of a place that is exact enough, although another may replace it ("vertebral body L3")."""
_SIDE_SIGNS = frozenset({":", "-", ",", ";", "(", ")", "=", "\u2013", ">"})
_DENYING = frozenset({"no", "nor", "without"})
_DENIED = 3
"""Words before a line within which it is denied, and so has no sides."""
_VERTEBRAE = frozenset({"/", "S", "T"})
_GENERIC = "generic"
"""Anatomy group of a place that a more exact one of its region replaces ("the head of the hip")."""


@dataclass(frozen=True, slots=True)
class Place:
    """Places said together: half-open token range, canonical sites in order, and the side said with them."""

    start: int
    end: int
    sites: tuple[str, ...]
    groups: frozenset[str]
    regions: frozenset[str]
    laterality: Laterality | None
    joint: str | None = None
    """The joint of which fluid there is, where it is not that of the region."""
    generic: bool = False
    """Whether only a joint or a part of the body as a whole is named."""
    additive: bool = False
    """Said as an extension of the place before ("into the neck")."""
    exclusive: bool = False
    """Said to be free ("sparing of the head")."""
    examined: bool = False
    """Said as what was looked at ("MRI of the hips"); a finding's own place and side outrank it."""


@dataclass(frozen=True, slots=True)
class Named:
    """What the sites of a place mean together, wherever they are named."""

    sites: tuple[str, ...]
    groups: frozenset[str]
    regions: frozenset[str]
    laterality: Laterality | None
    joint: str | None
    generic: bool


@dataclass(frozen=True, slots=True)
class SideHit:
    """A side said in words: half-open token range."""

    start: int
    end: int
    value: str
    """``left``, ``right``, ``bilateral``, ``other`` (contralateral) or ``same``."""


def find_sides(scan: Scan) -> list[SideHit]:
    """Return the sides of the report; letters count only in capitals, beside a place or in brackets."""
    words = scan.document.tokens.words
    near_place = {
        index
        for hit in scan.kind("site")
        for index in (hit.start - 1, hit.start - 2, hit.end, hit.end + 1)
    }
    beside_finding = {hit.start - 1 for hit in scan.kind("rule")}
    beside_finding |= {hit.end for hit in scan.kind("severity")}
    found = [SideHit(hit.start, hit.end, hit.value) for hit in longest(scan.kind("side"))]
    in_words = {side.start for side in found}
    letters = scan.kind("letter")
    both = len({hit.value for hit in letters}) > 1
    for hit in letters:
        letter = words[hit.start]
        if not both and words[hit.end : hit.end + 1] == [":"] and _opens(scan, hit):
            continue  # "R:" alone heads a result
        beside = {*words[max(hit.start - 1, 0) : hit.start], *words[hit.end : hit.end + 1]}
        meant = hit.start in near_place | beside_finding or (
            beside & _SIDE_SIGNS and not beside & _VERTEBRAE
        )
        if letter.isupper() and meant and hit.start not in in_words:
            found.append(SideHit(hit.start, hit.end, hit.value))
    compared = {hit.end for hit in scan.kind("compared")}
    not_sides = _not_sides(scan) | _flanks(scan)
    found = _ranked(sorted(found, key=lambda side: side.start), words)
    return sorted(
        (
            side
            for side in found
            if side.start not in compared and not_sides.isdisjoint(range(side.start, side.end))
        ),
        key=lambda side: side.start,
    )


def _not_sides(scan: Scan) -> set[int]:
    """Return the tokens of phrases that only look like a side of the body.

    A left or right further inside of one is said all the same ("both sides of the right joint").
    """
    within = {
        index
        for hit in scan.kind("side")
        if hit.value in {"left", "right"}
        for index in range(hit.start, hit.end)
    }
    return {
        index
        for hit in scan.kind("not_side")
        for index in range(hit.start, hit.end)
        if index not in within or index in {hit.start, hit.end - 1}
    }


def _flanks(scan: Scan) -> set[int]:
    """Return the tokens of words for both sides that are the sides of a line and not of the body."""
    sentence_of, lower = scan.document.sentence_of, scan.document.tokens.lower
    lines = {
        sentence_of[hit.start]: hit.end
        for hit in reversed(scan.kind("flanked"))
        if _DENYING.isdisjoint(lower[max(hit.start - _DENIED, 0) : hit.start])
    }
    return {
        index
        for hit in scan.kind("flanks")
        if lines.get(sentence_of[hit.start], hit.end) < hit.end
        for index in range(hit.start, hit.end)
    }


def _opens(scan: Scan, hit: Hit) -> bool:
    """Whether a hit begins its sentence."""
    return scan.document.sentence_at(hit.start).start == hit.start


def _ranked(sides: list[SideHit], words: list[str]) -> list[SideHit]:
    """Return two sides that are compared by size as both ("effusions, L>R")."""
    kept: list[SideHit] = []
    for side in sides:
        last = kept[-1] if kept else None
        if last is not None and words[last.end : side.start] in ([">"], ["<"], ["="]):
            kept[-1] = SideHit(last.start, side.end, "bilateral")
        else:
            kept.append(side)
    return kept


def find_places(scan: Scan, sides: list[SideHit], region: str | None) -> list[Place]:
    """Return the phrases of places in text order."""
    sites = scan.compiled.sites
    hits = [
        hit
        for hit in longest(scan.kind("site"))
        if not sites[int(hit.value)].only_in or region in sites[int(hit.value)].only_in
    ]
    joiner = _Joiner(scan, sides)
    groups: list[list[Hit]] = []
    for hit in hits:
        if groups and joiner.joins(groups[-1], hit):
            groups[-1].append(hit)
        else:
            groups.append([hit])
    return [joiner.place([sites[int(hit.value)] for hit in group], group) for group in groups]


def _together(sites: Sequence[Site]) -> Named:
    """Return what sites named together mean: a generic one gives way to a more exact one of its region."""
    names = [name for site in sites for name in (site.sites or [site.id])]
    exact_regions = {site.region for site in sites if _GENERIC not in site.groups}
    dropped = {
        name
        for site in sites
        if _GENERIC in site.groups and site.region in exact_regions
        for name in (site.sites or [site.id])
    }
    return Named(
        sites=tuple(dict.fromkeys(name for name in names if name not in dropped)),
        groups=frozenset(group for site in sites for group in [*site.groups, site.id, *site.sites]),
        regions=frozenset(site.region for site in sites),
        laterality=next((site.laterality for site in sites if site.laterality), None),
        joint=next((site.joint for site in sites if site.joint), None),
        generic=not exact_regions and not any(_EXACT in site.groups for site in sites),
    )


class _Joiner:
    def __init__(self, scan: Scan, sides: list[SideHit]) -> None:
        self._sentence_of = scan.document.sentence_of
        self._lower = scan.document.tokens.lower
        self._side_at = {index: side for side in sides for index in range(side.start, side.end)}
        self._connector = {
            index for hit in scan.kind("connector") for index in range(hit.start, hit.end)
        }
        self._additive = {hit.end for hit in scan.kind("additive")}
        self._examined = {hit.end for hit in scan.kind("examined")}
        self._examined_behind = {hit.start for hit in scan.kind("examined_behind")}
        self._free = {hit.start for hit in scan.kind("exclusive_behind")}
        self._exclusive = {hit.end for hit in scan.kind("exclusive")}
        self._unsited = scan.compiled.unsited
        self._combinations = scan.compiled.combinations

    def joins(self, group: list[Hit], hit: Hit) -> bool:
        """Whether only connecting words, and no change of side, stand between."""
        last = group[-1]
        if last.value in self._unsited or hit.value in self._unsited:
            # what no finding can be at ("bursa", "head-neck offset") is no part of a finding's place
            return False
        between = range(last.end, hit.start)
        if (
            self._sentence_of[last.start] != self._sentence_of[hit.start]
            or len(between) > _MAX_JOIN
        ):
            return False
        if any(index not in self._connector and index not in self._side_at for index in between):
            return False
        if any(self._exclusive & {index, index + 1} for index in between):
            return False
        before = self._laterality(group[0].start, last.end)
        said = {self._side_at[index].value for index in between if index in self._side_at}
        return not said or before is None or said == {before.value}

    def place(self, sites: list[Site], group: list[Hit]) -> Place:
        """Return the phrase with the words that belong to it."""
        start, end = group[0].start, group[-1].end
        first = self._first(start)
        side = self._laterality(first, end) or self._trailing(end)
        named = self._named(tuple([site.id for site in sites]), sites)
        return Place(
            first,
            end,
            named.sites,
            named.groups,
            named.regions,
            side or named.laterality,
            joint=named.joint,
            generic=named.generic,
            additive=self._marked(self._additive, first, start),
            exclusive=self._marked(self._exclusive, first, start) or end in self._free,
            examined=self._marked(self._examined, first, start) or end in self._examined_behind,
        )

    def _named(self, ids: tuple[str, ...], sites: Sequence[Site]) -> Named:
        """Return what sites named together mean; few combinations of them occur."""
        known = self._combinations.get(ids)
        if known is None:
            known = self._combinations[ids] = _together(sites)
        return known

    def _first(self, start: int) -> int:
        """Return where the phrase begins, sides and articles before it included."""
        first = start
        while (
            first > 0
            and self._sentence_of[first - 1] == self._sentence_of[start]
            and (first - 1 in self._side_at or self._lower[first - 1] in {"the", "proximal", "of"})
            and self._lower[first - 1] != "of"
        ):
            first -= 1
        return first

    def _trailing(self, end: int) -> Laterality | None:
        """Return the side in "on the right", "(L)" or "bilaterally" right behind the phrase."""
        for index in range(end, min(end + 4, len(self._lower))):
            if self._sentence_of[index] != self._sentence_of[end - 1]:
                return None
            if index in self._side_at:
                return _plain(self._side_at[index].value)
            if self._lower[index] not in {"on", "the", "(", "of", "both"}:
                return None
        return None

    def _laterality(self, start: int, end: int) -> Laterality | None:
        said = {self._side_at[index].value for index in range(start, end) if index in self._side_at}
        if {"left", "right"} <= said:
            return Laterality.BILATERAL
        return _plain(next(iter(sorted(said)), ""))

    def _marked(self, ends: set[int], first: int, start: int) -> bool:
        return bool(ends) and not ends.isdisjoint(range(first, start + 1))


def _plain(value: str) -> Laterality | None:
    return Laterality(value) if value in {"left", "right", "bilateral"} else None
