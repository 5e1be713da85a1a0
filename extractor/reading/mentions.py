"""The mentions of one report: candidates with assertion, place, side and attributes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from extractor.model import Cue, Laterality, Mention, SectionCategory, Status, StudyFacts
from extractor.reading.assertion import Assertion, AssertionReader
from extractor.reading.candidates import Candidate, find_candidates
from extractor.reading.scopes import CueScopes
from extractor.reading.siting import Sited, SiteReader, number_clauses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor.knowledge.schema import Finding
    from extractor.medspacy_adapter import CueHit
    from extractor.reading.places import Place, SideHit
    from extractor.reading.scan import Scan

_DESCRIPTOR_REACH = 4
"""Words between a descriptor and what it describes, at most."""
_QUOTE_GAP = 2
_OPPOSITE = {Laterality.LEFT: Laterality.RIGHT, Laterality.RIGHT: Laterality.LEFT}
_NO_WORD = "\u2420"
"""Stands for the words of headings, so that their colon makes no field of what follows."""
_UNREAD = frozenset({SectionCategory.TECHNIQUE})


class MentionReader:
    """Reads the mentions of one report whose places, sides and study are known."""

    def __init__(
        self,
        scan: Scan,
        *,
        places: Sequence[Place],
        sides: Sequence[SideHit],
        study: StudyFacts,
        region: str | None,
    ) -> None:
        self._scan = scan
        self._document = scan.document
        self._places = places
        self._candidates = [
            one
            for one in find_candidates(scan, places, region=region, modality=study.modality)
            if self._document.sentence_at(one.start).section not in _UNREAD
        ]
        cues = find_cues(scan, self._candidates)
        clauses = number_clauses(scan, cues)
        self._assertions = AssertionReader(scan, CueScopes(scan, self._candidates, cues, clauses))
        self._sites = SiteReader(
            scan,
            self._candidates,
            places=places,
            sides=sides,
            clauses=clauses,
            region=region,
            study_side=study.laterality,
        )
        self._study = study

    def read(self) -> tuple[Mention, ...]:
        """Return the mentions in text order, numbered from 1."""
        found: list[Mention] = []
        for position, one in enumerate(self._candidates):
            sited = self._sites.read(position)
            if self._misplaced(one, sited) or self._superfluous(one):
                continue
            found.append(self._mention(len(found) + 1, one, sited, self._assertions.read(one)))
        return tuple(found)

    def _superfluous(self, one: Candidate) -> bool:
        """Whether the rule only repeats what the sentence says of its finding."""
        sentence = self._document.sentence_of
        return one.rule.only_alone and any(
            other is not one
            and other.rule.finding == one.rule.finding
            and sentence[other.start] == sentence[one.start]
            for other in self._candidates
        )

    def _misplaced(self, one: Candidate, sited: Sited) -> bool:
        """Whether the rule needs a place of some group, and none is named in its clause."""
        wanted = set(one.rule.requires_place)
        return bool(wanted) and not any(place.groups & wanted for place in sited.places)

    def _mention(self, number: int, one: Candidate, sited: Sited, assertion: Assertion) -> Mention:
        finding = self._scan.compiled.patterns.findings[one.rule.finding or ""]
        first, last = self._quote_range(one, finding, sited)
        last = max([last, *(cue.end for cue in assertion.cues if self._is_value(cue, one))])
        start, end = self._document.span(first, last)
        return Mention(
            id=number,
            finding=one.rule.finding or "",
            quote=self._document.text[start:end],
            start=start,
            end=end,
            status=assertion.status,
            certainty=assertion.certainty,
            sites=sited.sites,
            laterality=sited.laterality,
            severity=one.rule.severity or self._descriptor("severity", one),
            extent=self._extent(one, finding, sited, assertion),
            change=assertion.change,
            method=assertion.method
            or (finding.densitometry_method if self._study.is_densitometry else None),
            experiencer=assertion.experiencer,
            section=self._document.sentence_at(one.start).section,
            rule=one.rule.id,
            cues=tuple(quoted_cue(self._scan, cue) for cue in assertion.cues),
        )

    def _quote_range(self, one: Candidate, finding: Finding, sited: Sited) -> tuple[int, int]:
        """Return the token range of the quote: the match, and what belongs to it on its left."""
        first = one.start
        spans: list[tuple[int, int]] = []
        wanted = {*finding.quote_left, *one.rule.quote_left}
        for kind in sorted(wanted & {"severity", "extent"}):
            spans += [(hit.start, hit.end) for hit in self._scan.kind(kind)]
        if "place" in wanted:
            spans += [(place.start, place.end) for place in sited.places]
        sentence = self._document.sentence_at(one.start)
        moved = True
        while moved:
            moved = False
            for start, end in spans:
                if (
                    sentence.start <= start < first
                    and 0 <= first - end < _QUOTE_GAP
                    and not self._stops(end, first)
                ):
                    first, moved = start, True
        return first, self._right_end(one, finding)

    def _right_end(self, one: Candidate, finding: Finding) -> int:
        """Return where the quote ends: behind a place that follows directly, where the finding wants it."""
        if finding.quote_right:
            for place in self._places:
                between = self._document.tokens.lower[one.end : place.start]
                if (
                    place.start >= one.end
                    and len(between) <= _QUOTE_GAP
                    and set(between) <= {"of", "in", "the"}
                ):
                    same = (
                        self._document.sentence_of[place.start]
                        == self._document.sentence_of[one.start]
                    )
                    return place.end if same else one.end
        return one.end

    def _stops(self, start: int, end: int) -> bool:
        return any(
            word in {",", "and", "or", "with", "in", "of", "no"}
            for word in self._document.tokens.lower[start:end]
        )

    def _descriptor(self, kind: str, one: Candidate) -> str | None:
        """Return the value of the nearest descriptor inside, before or as the value behind the candidate."""
        sentence = self._document.sentence_of[one.start]
        best: tuple[int, str] | None = None
        for hit in self._scan.kind(kind):
            if self._document.sentence_of[hit.start] != sentence:
                continue
            distance = self._distance(hit.start, hit.end, one)
            if distance is not None and (best is None or distance < best[0]):
                best = (distance, hit.value)
        return best[1] if best else None

    def _distance(self, start: int, end: int, one: Candidate) -> int | None:
        lower = self._document.tokens.lower
        if start >= one.start and end <= one.end:
            return 0
        if end <= one.start:
            between = lower[end : one.start]
            blocked = {",", "and", "with", "in", "of", ":", ";"} & set(
                between
            ) or self._holds_candidate(end, one.start)
            return None if blocked or len(between) > _DESCRIPTOR_REACH else len(between)
        between = lower[one.end : start]
        is_value = set(between) <= {":", "is", "are", "-", "=", "appears", "which"} or between == [
            "is",
            "now",
        ]
        throughout = start == one.end
        return len(between) + 1 if is_value or throughout else None

    def _holds_candidate(self, start: int, end: int) -> bool:
        return any(start <= other.start < end for other in self._candidates)

    def _is_value(self, cue: CueHit, one: Candidate) -> bool:
        return self._scan.compiled.cues[cue.rule].value and cue.start >= one.end

    def _extent(
        self, one: Candidate, finding: Finding, sited: Sited, assertion: Assertion
    ) -> str | None:
        if one.rule.extent or not finding.has_extent:
            return one.rule.extent
        said = self._descriptor("extent", one)
        densitometry = assertion.method or self._study.is_densitometry
        if finding.extent_placed is None or assertion.status == Status.NEGATED or densitometry:
            return said
        if sited.named and not any("whole" in place.groups for place in sited.places):
            return finding.extent_placed
        return (
            said
            if said in {finding.extent_placed, finding.extent_unplaced}
            else finding.extent_unplaced
        )


def find_cues(scan: Scan, candidates: Sequence[Candidate]) -> list[CueHit]:
    """Return the cues of the report with their scopes; none where there is nothing to change."""
    if not candidates:
        return []
    document = scan.document
    words = [
        word if sentence >= 0 else _NO_WORD
        for word, sentence in zip(document.tokens.lower, document.sentence_of, strict=True)
    ]
    starts = [sentence.start for sentence in document.sentences]
    return scan.compiled.matcher.cues(words, starts, [(one.start, one.end) for one in candidates])


def quoted_cue(scan: Scan, cue: CueHit) -> Cue:
    """Return a cue as the result shows it."""
    start, end = scan.document.span(cue.start, cue.end)
    rule = scan.compiled.cues[cue.rule]
    return Cue(rule.category, scan.document.text[start:end], start, end, rule.id)


def correct_sides(
    mentions: Sequence[Mention], scan: Scan, sides: Sequence[SideHit]
) -> tuple[tuple[Mention, ...], bool]:
    """Apply an addendum that corrects the side of the report; tell whether one did.

    The first side said from the correcting words on is the right one; what was affirmed of the
    other side before the addendum is moved to it, and what stood on the right one is swapped.
    """
    document = scan.document
    for hit in scan.kind("correction"):
        sentence = document.sentence_at(hit.start)
        if sentence.section != SectionCategory.ADDENDUM:
            continue
        said = [
            side for side in sides if side.start >= hit.start and side.value in {"left", "right"}
        ]
        corrected = _corrected_side(said, document.tokens.lower, hit.start)
        if corrected is None:
            continue
        limit = document.sections[sentence.section_index].start
        moved = tuple(
            replace(one, laterality=_OPPOSITE[one.laterality])
            if one.start < limit and one.laterality in _OPPOSITE
            else one
            for one in mentions
        )
        active = {
            one.laterality
            for one in mentions
            if one.start < limit and one.status not in {"negated", "historical"}
        }
        return (
            (moved, True)
            if corrected not in active or len(active & set(_OPPOSITE)) > 1
            else (tuple(mentions), True)
        )
    return tuple(mentions), False


def _corrected_side(said: Sequence[SideHit], lower: Sequence[str], start: int) -> Laterality | None:
    """Return the side that is right: not the one that is named as wrong ("not the right", "instead of right")."""
    wrong_before = re.compile(
        r"(?:not|instead of|rather than|incorrectly|erroneously)(?: \w+){0,3}$"
    )
    for side in said:
        before = " ".join(lower[max(start, side.start - 5) : side.start])
        if not wrong_before.search(before):
            return Laterality(side.value)
    return None
