"""Which cues reach a candidate: scope, direction, distance, lists and template fields."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor.knowledge.schema import CueRule
    from extractor.medspacy_adapter import CueHit
    from extractor.reading.candidates import Candidate
    from extractor.reading.scan import Scan

_NOT_ABOUT_MENTIONS = frozenset({"terminate", "pseudo"})
_ONE_WAY = frozenset({"negation", "uncertainty"})
_LIST_WORDS = frozenset({",", "and", "or", "/", "nor", "&", "+"})
_LIST_GAP = 5
"""More words than this between two mentions and they are not one list."""
_FIELD_SIGNS = frozenset({":", "-", "=", "\u2013", "\u2014", "?"})
_FIELD_GAP = 6
"""Words that may stand between a field's name and its value ("Effusion of the left hip: none")."""


class CueScopes:
    """Answers for the candidates of one report which cues govern them."""

    def __init__(
        self,
        scan: Scan,
        candidates: Sequence[Candidate],
        cues: Sequence[CueHit],
        clauses: Sequence[int],
    ) -> None:
        self._rules = scan.compiled.cues
        self._document = scan.document
        self._lower = scan.document.tokens.lower
        self._candidates = candidates
        self._starts = [one.start for one in candidates]
        self._clauses = clauses
        self._severity_starts = {hit.start for hit in scan.kind("severity")}
        self._by_sentence: dict[int, list[CueHit]] = {}
        for cue in cues:
            if self._rules[cue.rule].category not in _NOT_ABOUT_MENTIONS:
                sentence = scan.document.sentence_of[cue.start]
                self._by_sentence.setdefault(sentence, []).append(cue)

    def governing(self, one: Candidate) -> dict[str, list[CueHit]]:
        """Return the cues that govern a candidate, by category, in text order."""
        found: dict[str, list[CueHit]] = {}
        for cue in self._by_sentence.get(self._document.sentence_of[one.start], ()):
            rule = self._rules[cue.rule]
            if self._in_scope(cue, rule, one) and self._reaches(cue, rule, one):
                found.setdefault(rule.category, []).append(cue)
        return found

    def _in_scope(self, cue: CueHit, rule: CueRule, one: Candidate) -> bool:
        """Whether the rule speaks of such a candidate here at all."""
        overlaps = cue.start < one.end and one.start < cue.end
        inside = cue.scope_start <= one.start and one.end <= cue.scope_end
        section = self._document.sentence_at(one.start).section
        return (
            inside
            and not overlaps
            and (not rule.findings or one.rule.finding in rule.findings)
            and (not rule.sections or section in rule.sections)
        )

    def _reaches(self, cue: CueHit, rule: CueRule, one: Candidate) -> bool:
        if cue.end <= one.start:
            return (
                rule.direction != "backward"
                and self._near(rule, cue.end, one.start)
                and not (rule.category == "negation" and self._restarted(cue, rule, one))
            )
        return (
            rule.direction != "forward"
            and self._near(rule, one.end, cue.start)
            and self._looks_back(cue, rule, one)
            and self._listed(one, cue)
        )

    def _near(self, rule: CueRule, start: int, end: int) -> bool:
        """Whether few enough words and mentions stand between."""
        if rule.max_words is not None and end - start > rule.max_words:
            return False
        if rule.max_mentions is None:
            return True
        return bisect_left(self._starts, end) - bisect_left(self._starts, start) < rule.max_mentions

    def _looks_back(self, cue: CueHit, rule: CueRule, one: Candidate) -> bool:
        """Whether a cue that may look both ways looks back."""
        if rule.value:
            return self._is_value(cue, one)
        return rule.direction == "backward" or rule.category not in _ONE_WAY or self._ends(cue)

    def _ends(self, cue: CueHit) -> bool:
        """Whether no mention stands behind the cue in its clause ("X is most likely.")."""
        behind = bisect_left(self._starts, cue.end)
        return (
            behind == len(self._candidates)
            or self._clauses[self._starts[behind]] != self._clauses[cue.start]
        )

    def _is_value(self, cue: CueHit, one: Candidate) -> bool:
        """Whether the cue is the value of the field that the candidate names ("Effusion: none")."""
        between = self._lower[one.end : cue.start]
        if not between or between[-1] not in _FIELD_SIGNS or len(between) > _FIELD_GAP:
            return False
        if self._ends(cue):
            return True
        behind = self._candidates[bisect_left(self._starts, cue.end)]
        return self._lower[cue.end] in {",", ";"} or ":" in self._lower[cue.end : behind.end + 1]

    def _restarted(self, cue: CueHit, rule: CueRule, one: Candidate) -> bool:
        """Whether a comma and a size begin a positive statement ("no fracture, small effusion")."""
        if rule.crosses:
            return False
        denied = False
        for index in range(cue.end, one.start):
            if denied and self._lower[index] == "," and index + 1 in self._severity_starts:
                return True
            denied = denied or index not in self._severity_starts
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
