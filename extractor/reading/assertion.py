"""What a report asserts of a candidate: status, certainty, change and experiencer, with the cues that say so.

ConText gives each cue its scope; here the cues in whose scope a candidate stands are weighed. The
nearest forward cue counts among negation and uncertainty; what is said after the candidate
("... is not seen", "Effusion: none") outranks what was said before; a section gives what no cue does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from extractor.knowledge.schema import CueRule
from extractor.medspacy_adapter import CueHit
from extractor.model import Certainty, Experiencer, SectionCategory, Status
from extractor.reading.candidates import Candidate
from extractor.reading.scan import Scan

_LIST_WORDS = frozenset({",", "and", "or", "/", "nor", "&", "+"})
_FIELD_SIGNS = frozenset({":", "-", "=", "\u2013", "\u2014", "?"})
_FIELD_GAP = 6
_DENIED_GAP = 4
_ONE_WAY = frozenset({"negation", "uncertainty"})
_LIST_GAP = 5
"""More words than this between two mentions and they are not one list."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """What is asserted, and the cues that made it so."""

    status: Status
    certainty: Certainty | None
    change: str | None
    method: str | None
    experiencer: Experiencer
    cues: tuple[CueHit, ...]


class AssertionReader:
    """Weighs cues for the candidates of one report."""

    def __init__(self, scan: Scan, candidates: Sequence[Candidate], cues: Sequence[CueHit], clauses: Sequence[int]) -> None:
        self._scan = scan
        self._rules = scan.compiled.cues
        self._lower = scan.document.tokens.lower
        self._candidates = candidates
        self._starts = [one.start for one in candidates]
        self._cues = [cue for cue in cues if self._rules[cue.rule].category not in {"terminate", "pseudo"}]
        self._clauses = clauses
        self._severity_starts = {hit.start for hit in scan.kind("severity")}

    def read(self, one: Candidate) -> Assertion:
        """Return what the report asserts of a candidate."""
        sentence = self._scan.document.sentence_at(one.start)
        cues = [cue for cue in self._cues if self._applies(cue, one, sentence.section)]
        by_category: dict[str, list[CueHit]] = {}
        for cue in cues:
            by_category.setdefault(self._rules[cue.rule].category, []).append(cue)
        change = self._nearest(by_category.get("change", []), one)
        change_value = one.rule.change or (self._rules[change.rule].change if change else None)
        method = self._nearest(by_category.get("method", []), one)
        status, certainty, deciding = self._status(one, by_category, change_value, sentence.section)
        if status == Status.HISTORICAL and deciding and self._rules[deciding[0].rule].change:
            change_value = self._rules[deciding[0].rule].change
        said = [*deciding, *([change] if change else []), *([method] if method else []), *by_category.get("experiencer", [])]
        return Assertion(
            status,
            certainty,
            change_value,
            one.rule.method or (self._rules[method.rule].method if method else None),
            Experiencer.OTHER if by_category.get("experiencer") else Experiencer.PATIENT,
            tuple(sorted(dict.fromkeys(said), key=lambda cue: cue.start)),
        )

    def _status(
        self, one: Candidate, by_category: dict[str, list[CueHit]], change: str | None, section: SectionCategory
    ) -> tuple[Status, Certainty | None, list[CueHit]]:
        if one.rule.stands_alone and one.rule.status:
            return one.rule.status, one.rule.certainty, []
        decisive = self._decisive(one, by_category)
        category = self._rules[decisive.rule].category if decisive else None
        hypothetical = by_category.get("hypothetical")
        if hypothetical and category != "negation":
            return Status.HYPOTHETICAL, None, hypothetical[:1]
        historical = self._nearest(by_category.get("historical", []), one)
        resolved = bool(historical and self._rules[historical.rule].change)
        if category == "negation" and decisive and not resolved:
            return (Status.AFFIRMED if one.rule.status == Status.NEGATED else Status.NEGATED), None, [decisive]
        if resolved and historical:
            return Status.HISTORICAL, None, [historical]
        if section == SectionCategory.RECOMMENDATION:
            return Status.HYPOTHETICAL, None, []
        if category == "uncertainty" and decisive:
            if section == SectionCategory.INDICATION:
                return Status.HYPOTHETICAL, None, [decisive]
            return Status.UNCERTAIN, self._rules[decisive.rule].certainty, [decisive]
        if one.rule.status:
            return one.rule.status, one.rule.certainty, []
        still_there = change is not None
        if historical and not still_there:
            return Status.HISTORICAL, None, [historical]
        if section == SectionCategory.COMPARISON:
            return Status.HISTORICAL, None, []
        return Status.AFFIRMED, None, [decisive] if decisive else []

    def _decisive(self, one: Candidate, by_category: dict[str, list[CueHit]]) -> CueHit | None:
        """Return the cue among negation, uncertainty and affirmation that counts."""
        rivals = [cue for name in ("negation", "uncertainty", "affirmation") for cue in by_category.get(name, [])]
        after = [cue for cue in rivals if cue.start >= one.end]
        before = [cue for cue in rivals if cue.end <= one.start]
        negated_after = [cue for cue in after if self._rules[cue.rule].category == "negation"]
        nearest_before = self._denied(self._nearest(before, one), before)
        if negated_after:
            return self._nearest(negated_after, one)
        if nearest_before and self._rules[nearest_before.rule].category == "negation":
            return nearest_before
        return self._nearest([cue for cue in after if self._rules[cue.rule].category == "uncertainty"], one) or nearest_before

    def _denied(self, cue: CueHit | None, before: Sequence[CueHit]) -> CueHit | None:
        """Return the denial that itself governs a cue ("no change suggestive of"), else the cue."""
        if cue is None or self._rules[cue.rule].category == "negation":
            return cue
        for other in before:
            between = self._lower[other.end : cue.start]
            if (
                self._rules[other.rule].category == "negation"
                and other.end <= cue.start
                and len(between) <= _DENIED_GAP
                and "," not in between
            ):
                return other
        return cue

    def _nearest(self, cues: Sequence[CueHit], one: Candidate) -> CueHit | None:
        return min(cues, key=lambda cue: max(cue.start - one.end, one.start - cue.end), default=None)

    def _applies(self, cue: CueHit, one: Candidate, section: SectionCategory) -> bool:
        rule = self._rules[cue.rule]
        if cue.start < one.end and one.start < cue.end:
            return False
        if not (cue.scope_start <= one.start and one.end <= cue.scope_end):
            return False
        if rule.findings and one.rule.finding not in rule.findings:
            return False
        if rule.sections and section not in rule.sections:
            return False
        if self._scan.document.sentence_of[cue.start] != self._scan.document.sentence_of[one.start]:
            return False
        if rule.direction == ("backward" if cue.end <= one.start else "forward"):
            return False
        if cue.end <= one.start:
            return self._reaches(cue, rule, one, cue.end, one.start) and not (
                rule.category == "negation" and not rule.crosses and self._restarted(cue.end, one.start)
            )
        if rule.value:
            if not self._is_value(cue, one):
                return False
        elif rule.direction == "both" and rule.category in _ONE_WAY and self._has_object(cue):
            return False
        return self._reaches(cue, rule, one, one.end, cue.start) and self._listed(one, cue)

    def _has_object(self, cue: CueHit) -> bool:
        """Whether a mention stands behind the cue in its clause ("is most likely X"), so that it looks forward."""
        clause = self._clauses[cue.start]
        return any(other.start >= cue.end and self._clauses[other.start] == clause for other in self._candidates)

    def _is_value(self, cue: CueHit, one: Candidate) -> bool:
        """Whether the cue is the value of the field that the candidate names ("Effusion: none")."""
        between = self._lower[one.end : cue.start]
        if not between or between[-1] not in _FIELD_SIGNS or len(between) > _FIELD_GAP:
            return False
        clause = self._clauses[cue.start]
        behind = next((other for other in self._candidates if other.start >= cue.end), None)
        if behind is None or self._clauses[behind.start] != clause:
            return True
        return self._lower[cue.end] in {",", ";"} or ":" in self._lower[cue.end : behind.end + 1]

    def _reaches(self, cue: CueHit, rule: CueRule, one: Candidate, start: int, end: int) -> bool:
        if rule.max_words is not None and end - start > rule.max_words:
            return False
        if rule.max_mentions is not None:
            between = bisect_left(self._starts, end) - bisect_left(self._starts, start)
            if cue.end <= one.start:
                between = sum(1 for other in self._candidates if start <= other.start and other.end <= end)
            return between < rule.max_mentions
        return True

    def _restarted(self, start: int, end: int) -> bool:
        """Whether a comma and a size begin a new, positive statement ("no fracture, moderate effusion")."""
        for comma in range(start + 1, end):
            if self._lower[comma] == "," and comma + 1 in self._severity_starts:
                inside = [index for index in range(start, comma) if index not in self._severity_starts]
                if inside:
                    return True
        return False

    def _listed(self, one: Candidate, cue: CueHit) -> bool:
        """Whether a cue behind reaches the candidate over nothing but members of its own list."""
        end = one.end
        for other in self._candidates[bisect_left(self._starts, one.end) :]:
            if other.start >= cue.start:
                break
            between = self._lower[end : other.start]
            if len(between) > _LIST_GAP or not _LIST_WORDS & set(between):
                return False
            end = other.end
        return True
