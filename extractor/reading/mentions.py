"""The mentions of one report: candidates with assertion, place, side and attributes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from extractor.medspacy_adapter import CueHit
from extractor.model import (
    Cue,
    Experiencer,
    Laterality,
    Mention,
    SectionCategory,
    Status,
    StudyFacts,
)
from extractor.reading.assertion import Assertion, AssertionReader
from extractor.reading.candidates import Candidate, find_candidates
from extractor.reading.clauses import find_clauses
from extractor.reading.scopes import CueScopes
from extractor.reading.siting import Sited, SiteReader
from extractor.reading.wording import Wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor.knowledge.schema import Finding
    from extractor.reading.places import Place, SideHit
    from extractor.reading.scan import Scan

_ARTICLES = (["the"], ["this"], ["that"])
_RECENT = 2
"""Mentions before one within which its finding was named, so that it need not say where it is."""
_RESOLVED = "resolved"
_OPPOSITE = {Laterality.LEFT: Laterality.RIGHT, Laterality.RIGHT: Laterality.LEFT}
_UNREAD = frozenset({SectionCategory.TECHNIQUE})


class MentionReader:
    """Reads the mentions of one report whose places, sides and study are known."""

    def __init__(
        self,
        scan: Scan,
        *,
        places: Sequence[Place],
        sides: Sequence[SideHit],
        titled: Sequence[Place],
        study: StudyFacts,
        region: str | None,
    ) -> None:
        self._scan = scan
        self._document = scan.document
        self._candidates = [
            one
            for one in find_candidates(scan, places, region=region, modality=study.modality)
            if self._document.sentence_at(one.start).section not in _UNREAD
        ]
        cues = find_cues(scan, self._candidates)
        clauses = find_clauses(scan, cues, self._candidates, sides)
        self._assertions = AssertionReader(
            scan, CueScopes(scan, self._candidates, cues, clauses), self._candidates
        )
        self._sites = SiteReader(
            scan,
            self._candidates,
            places=places,
            sides=sides,
            clauses=clauses,
            titled=titled,
            region=region,
            study_side=study.laterality,
        )
        self._wording = Wording(scan, self._candidates, places)
        self._study = study
        self._titled = bool(titled)
        self._of_whole = any("whole" in place.groups for place in titled)

    def read(self) -> tuple[Mention, ...]:
        """Return the mentions in text order, numbered from 1; those that are not shown have the number 0."""
        findings = self._scan.compiled.patterns.findings
        found: list[Mention] = []
        number = 0
        for position, one in enumerate(self._candidates):
            sited = self._sites.read(position)
            assertion = self._assertions.read(one)
            if self._misplaced(one, sited) and not self._taken_up(one, sited, assertion, found):
                continue
            shown = findings[one.rule.finding or ""].shown
            number += shown
            found.append(self._mention(number if shown else 0, one, sited, assertion))
        return tuple(found)

    def _vague(self, place: Place) -> bool:
        """Whether only a joint as a whole is named, outside the regions that the audit is about."""
        regions = self._scan.compiled.patterns.anatomy.regions
        return place.generic and not any(regions[name].in_scope for name in place.regions)

    def _taken_up(
        self, one: Candidate, sited: Sited, assertion: Assertion, found: Sequence[Mention]
    ) -> bool:
        """Whether it is what was named before: by an article ("the oedema"), gone since, or of a side.

        "Marrow oedema of the left femoral head. Minimal oedema on the right."
        """
        before = self._document.tokens.lower[max(one.start - 1, 0) : one.start]
        again = before in _ARTICLES or assertion.change == _RESOLVED
        elliptic = self._scan.compiled.patterns.findings[one.rule.finding or ""].elliptic
        last = [other.finding for other in found[-_RECENT:]]
        if elliptic and sited.named and not sited.places and one.rule.finding in last:
            return True
        return again and any(other.finding == one.rule.finding for other in found)

    def _misplaced(self, one: Candidate, sited: Sited) -> bool:
        """Whether the rule needs a place of some group, and none is named in its clause."""
        wanted = set(one.rule.requires_place)
        if any(place.groups & set(one.rule.excludes_place) for place in sited.places):
            return True
        return bool(wanted) and not any(
            place.groups & wanted and not (one.rule.exact_place and self._vague(place))
            for place in sited.places
        )

    def _mention(self, number: int, one: Candidate, sited: Sited, assertion: Assertion) -> Mention:
        finding = self._scan.compiled.patterns.findings[one.rule.finding or ""]
        first, last = self._wording.quote_range(one, finding, sited)
        last = max([last, *(cue.end for cue in assertion.cues if self._is_value(cue, one))])
        start, end = self._document.span(first, last)
        of_other = assertion.experiencer == Experiencer.OTHER
        return Mention(
            id=number,
            finding=one.rule.finding or "",
            quote=self._document.text[start:end],
            start=start,
            end=end,
            status=assertion.status,
            certainty=assertion.certainty,
            sites=self._own_sites(finding, sited, assertion),
            laterality=Laterality.UNSPECIFIED if of_other else self._side(finding, sited),
            severity=one.rule.severity or self._wording.descriptor("severity", one),
            extent=self._extent(one, finding, sited, assertion),
            change=assertion.change,
            method=assertion.method
            or (finding.densitometry_method if self._study.is_densitometry else None),
            experiencer=assertion.experiencer,
            section=self._document.sentence_at(one.start).section,
            rule=one.rule.id,
            cues=tuple(quoted_cue(self._scan, cue) for cue in assertion.cues),
        )

    def _extent(
        self, one: Candidate, finding: Finding, sited: Sited, assertion: Assertion
    ) -> str | None:
        if one.rule.extent or not finding.has_extent:
            return one.rule.extent
        if assertion.status == Status.NEGATED or assertion.method or self._study.is_densitometry:
            return self._wording.descriptor("extent", one)
        return self._wording.extent(one, finding, sited)

    def _own_sites(self, finding: Finding, sited: Sited, assertion: Assertion) -> tuple[str, ...]:
        """Return the sites; a relative's disease is not at the place that the study shows."""
        default = finding.default_sites.get("*")
        if assertion.experiencer == Experiencer.OTHER and not sited.places and default:
            return (default,)
        return sited.sites

    def _side(self, finding: Finding, sited: Sited) -> Laterality:
        """Return the side; what is said of the skeleton as a whole has the title's side or none."""
        untitled = self._study.laterality == Laterality.UNSPECIFIED and not self._titled
        if finding.extent_unplaced is None or sited.named or untitled:
            return sited.laterality
        return Laterality.UNSPECIFIED if self._of_whole else self._study.laterality

    def _is_value(self, cue: CueHit, one: Candidate) -> bool:
        return self._scan.compiled.cues[cue.rule].value and cue.start >= one.end


def find_cues(scan: Scan, candidates: Sequence[Candidate]) -> list[CueHit]:
    """Return the cues of the sentences that hold candidates, with their scopes."""
    document = scan.document
    lower = document.tokens.lower
    indices = sorted({document.sentence_of[one.start] for one in candidates})
    sentences = [document.sentences[index] for index in indices]
    found = scan.compiled.cue_finder.find([tuple(lower[one.start : one.end]) for one in sentences])
    return [
        CueHit(
            hit.rule,
            sentence.start + hit.start,
            sentence.start + hit.end,
            sentence.start + hit.scope_start,
            sentence.start + hit.scope_end,
        )
        for sentence, cues in zip(sentences, found, strict=True)
        for hit in cues
    ]


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
        addendum = document.sections[sentence.section_index]
        # one that stands above the report corrects what follows it
        body = [one for one in mentions if one.start < addendum.start] or [
            one for one in mentions if one.start >= addendum.end
        ]
        told = {one.start for one in body}
        moved = tuple(_moved(one, corrected) if one.start in told else one for one in mentions)
        active = {one.laterality for one in body if one.status not in {"negated", "historical"}}
        return (
            (moved, True)
            if corrected not in active or len(active & set(_OPPOSITE)) > 1
            else (tuple(mentions), True)
        )
    return tuple(mentions), False


def _moved(one: Mention, corrected: Laterality) -> Mention:
    """Return a mention of the report body as the correction has it."""
    if one.laterality == Laterality.UNSPECIFIED and one.status != Status.NEGATED:
        return replace(one, laterality=corrected)
    return replace(one, laterality=_OPPOSITE.get(one.laterality, one.laterality))


def _corrected_side(said: Sequence[SideHit], lower: Sequence[str], start: int) -> Laterality | None:
    """Return the side that is right: not the one that is named as wrong ("not the right", "instead of right")."""
    wrong_before = re.compile(
        r"(?:not|for|instead of|rather than|incorrectly|erroneously)(?: \w+){0,3}$"
    )
    wrong_behind = re.compile(
        r"\W*(?:hip |side )?(?:should|ought|please read|read|is wrong|is incorrect|is an error|was incorrect|was wrong|was an error|was meant)"
    )
    for side in said:
        before = " ".join(lower[max(start, side.start - 5) : side.start])
        behind = " ".join(lower[side.end : side.end + 5])
        if not wrong_before.search(before) and not wrong_behind.match(behind):
            return Laterality(side.value)
    return None
