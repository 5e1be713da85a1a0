"""Which cues reach a candidate: scope, direction, distance, lists and template fields."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from extractor.medspacy_adapter import CueHit
from extractor.reading.listings import Listings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor.knowledge.schema import CueRule
    from extractor.reading.candidates import Candidate
    from extractor.reading.clauses import Clauses
    from extractor.reading.scan import Scan

_NOT_ABOUT_MENTIONS = frozenset({"terminate", "pseudo"})
_ONE_WAY = frozenset({"negation", "uncertainty"})
_LIST_WORDS = frozenset({",", "and", "or", "/", "nor", "&", "+"})
_JOINING = _LIST_WORDS - {","}
_ITEM_SIGNS = frozenset({".", ",", ";", ")"})
_LIST_GAP = 5
"""More words than this between two mentions and they are not one list."""
_FIELD_SIGNS = frozenset({":", "-", "=", "\u2013", "\u2014", "?"})
_FIELD_GAP = 6
"""Words that may stand between a field's name and its value ("Effusion of the left hip: none")."""
_OF_HEADINGS = frozenset({"historical", "experiencer"})
_STATED = frozenset({"affirmation", "change", "negation", "uncertainty", "hypothetical"})
"""What a sentence says itself outranks the heading above it."""
_ITEM_MAX_WORDS = 12
"""Items under a heading of the past are terse; a longer sentence is a statement of its own."""
_AFTER_CLOSE = frozenset(
    [
        "and",
        "as",
        "at",
        "based",
        "because",
        "but",
        "by",
        "for",
        "from",
        "given",
        "here",
        "in",
        "on",
        "over",
        "to",
        "with",
    ]
)
"""Words that may follow the judgement that closes a clause ("AVN is most likely given the contour")."""
_COPULAS = frozenset({"is", "are", "was", "were", "be", "remains", "remain", "seems", "being"})
_SUBJECT_GAP = 6
"""Words between a mention and what is said of it ("osteoporosis of the left hip is suspected")."""
_PREDICATE_GAP = 5
"""A mention nearer than this behind a copula is its predicate."""
_PARTS_PREDICATE = frozenset({",", "with", "and", "but", "over", "rather", "given", "because", ";"})
_CHOICE_WORDS = frozenset({"or", "nor"})
_CHOICE_GAP = 8
"""Words within which "or" shows that a list goes on behind a candidate."""
_ITEM_WORDS = 3
"""Words after "with" within which a size begins a statement ("no cardiomegaly with bilateral small effusions")."""


class CueScopes:
    """Answers for the candidates of one report which cues govern them."""

    def __init__(
        self,
        scan: Scan,
        candidates: Sequence[Candidate],
        cues: Sequence[CueHit],
        clauses: Clauses,
    ) -> None:
        self._rules = scan.compiled.cues
        self._findings = scan.compiled.patterns.findings
        self._document = scan.document
        self._lower = scan.document.tokens.lower
        self._candidates = candidates
        self._starts = [one.start for one in candidates]
        self._clauses = clauses.number_of
        self._parted = clauses.part
        self._severity_starts = {hit.start for hit in scan.kind("severity")}
        self._by_sentence: dict[int, list[CueHit]] = {}
        for cue in cues:
            if self._rules[cue.rule].category not in _NOT_ABOUT_MENTIONS:
                sentence = scan.document.sentence_of[cue.start]
                self._by_sentence.setdefault(sentence, []).append(cue)
        self._cue_finder = scan.compiled.cue_finder
        self._listings = Listings(scan)
        self._of_label: dict[int, list[CueHit]] = {}

    def governing(self, one: Candidate) -> dict[str, list[CueHit]]:
        """Return the cues that govern a candidate, by category, in text order."""
        found: dict[str, list[CueHit]] = {}
        for cue in self._by_sentence.get(self._document.sentence_of[one.start], ()):
            rule = self._rules[cue.rule]
            if self._in_scope(cue, rule, one) and self._reaches(cue, rule, one):
                found.setdefault(rule.category, []).append(cue)
        if found.keys().isdisjoint(_STATED):
            for cue in self._heading_cues(one):
                found.setdefault(self._rules[cue.rule].category, []).append(cue)
            listed = self._listings.over(one)
            if listed:
                found.setdefault(self._rules[listed.rule].category, []).append(listed)
        return found

    def speaks_between(self, one: Candidate, cue: CueHit) -> bool:
        """Whether another mention stands between a candidate and a cue behind it."""
        return bisect_left(self._starts, one.end) < bisect_left(self._starts, cue.start)

    def _heading_cues(self, one: Candidate) -> list[CueHit]:
        """Return the cues of the label above that rule its whole paragraph ("Past medical history:")."""
        sentence = self._document.sentence_at(one.start)
        label = sentence.label
        if label is None or sentence.end - sentence.start > _ITEM_MAX_WORDS:
            return []
        tokens = self._document.tokens
        first, last = tokens.index_at(label.start), tokens.index_at(label.end)
        parting = "\n\n" if label.own_line else "\n"
        if (
            last > sentence.start
            or parting in self._document.text[label.end : tokens.starts[one.start]]
        ):
            return []
        if first not in self._of_label:
            words = tuple(self._lower[first:last])
            self._of_label[first] = [
                CueHit(hit.rule, first + hit.start, first + hit.end, last, last)
                for hit in self._cue_finder.find([words])[0]
                if hit.end >= len(words) - 1 and self._rules[hit.rule].category in _OF_HEADINGS
            ]
        return self._of_label[first]

    def _in_scope(self, cue: CueHit, rule: CueRule, one: Candidate) -> bool:
        """Whether the rule speaks of such a candidate here at all."""
        if cue.start >= one.end:
            inside = cue.scope_start < one.end
        elif cue.end <= one.start:
            inside = one.start < cue.scope_end
        else:
            inside = self._begins(cue, rule, one)
        section = self._document.sentence_at(one.start).section
        return (
            inside
            and (not rule.findings or one.rule.finding in rule.findings)
            and (not rule.sections or section in rule.sections)
        )

    def _begins(self, cue: CueHit, rule: CueRule, one: Candidate) -> bool:
        """Whether an overlapping cue governs: it begins before the candidate ("no definite | effusion").

        A span that is given may hold its own cue at its beginning ("status post bypass").
        """
        if rule.direction == "backward":
            return False
        given = one.rule.finding is None and rule.category == "historical"
        # "neither femoral head is oedematous": the denial is part of the place that the phrase begins with
        begun = one.rule.finding is not None and rule.category == "negation" and cue.end < one.end
        at_start = cue.start == one.start and (given or begun)
        return cue.start < one.start < cue.end or at_start

    def _reaches(self, cue: CueHit, rule: CueRule, one: Candidate) -> bool:
        if cue.start < one.end and one.start < cue.end:
            return True
        if cue.end <= one.start:
            denies = rule.category == "negation"
            if self._has_subject(cue, rule) or (denies and one.rule.ellipsis):
                return False
            doubts = rule.category == "uncertainty"
            return (
                rule.direction != "backward"
                and self._near(rule, cue.end, one.start)
                and not (denies and self._restarted(cue, rule, one))
                # what a remark states is not denied before it
                and not (denies and self._parted(cue.start, one.start))
                and not (denies and self._of_other_field(cue, one))
                and not (doubts and self._observed_with(cue, one))
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
        if rule.stops_at and not set(rule.stops_at).isdisjoint(self._lower[start:end]):
            return False
        between = bisect_left(self._starts, end) - bisect_left(self._starts, start)
        if rule.nth_mention is not None and between != rule.nth_mention - 1:
            return False
        return rule.max_mentions is None or between < rule.max_mentions

    def _looks_back(self, cue: CueHit, rule: CueRule, one: Candidate) -> bool:
        """Whether a cue that may look both ways looks back."""
        if rule.value:
            must_close = rule.closes or rule.category == "uncertainty"
            return (self._closes(cue) or not must_close) and self._is_value(cue, one)
        if rule.direction == "backward" or rule.category not in _ONE_WAY:
            return not rule.closes or self._is_last(cue)
        if self._has_subject(cue, rule):
            return True
        return self._ends(cue) and (rule.category == "negation" or self._closes(cue))

    def _has_subject(self, cue: CueHit, rule: CueRule) -> bool:
        """Whether the cue is said of a mention before it, and names none itself ("X is suspected, with Y").

        In "X is most likely Y" the mention right behind is what is thought of X.
        """
        if rule.category != "uncertainty" or rule.direction != "both" or rule.value:
            return False
        if self._lower[cue.start] not in _COPULAS:
            return False
        behind = bisect_left(self._starts, cue.end)
        before = behind - 1
        while before >= 0 and self._candidates[before].end > cue.start:
            before -= 1
        if before < 0 or self._clauses[self._starts[before]] != self._clauses[cue.start]:
            return False
        if cue.start - self._candidates[before].end > _SUBJECT_GAP:
            return False
        end = self._starts[behind] if behind < len(self._starts) else len(self._lower)
        between = self._lower[cue.end : min(end, cue.end + _PREDICATE_GAP)]
        return end - cue.end >= _PREDICATE_GAP or not _PARTS_PREDICATE.isdisjoint(between)

    def _ends(self, cue: CueHit) -> bool:
        """Whether no mention stands behind the cue in its clause ("X is most likely.")."""
        behind = bisect_left(self._starts, cue.end)
        return (
            behind == len(self._candidates)
            or self._clauses[self._starts[behind]] != self._clauses[cue.start]
        )

    def _closes(self, cue: CueHit) -> bool:
        """Whether the cue closes its clause; "the oedema is most likely reactive" doubts no oedema."""
        end = self._document.sentence_at(cue.start).end
        word = self._lower[cue.end] if cue.end < end else "."
        return not word[0].isalnum() or word in _AFTER_CLOSE

    def _is_last(self, cue: CueHit) -> bool:
        """Whether nothing but a sign follows the cue ("TOH likely.")."""
        end = self._document.sentence_at(cue.start).end
        return cue.end >= end or self._lower[cue.end] in _ITEM_SIGNS

    def _is_value(self, cue: CueHit, one: Candidate) -> bool:
        """Whether the cue is the value of the field that the candidate names ("Effusion: none")."""
        between = self._lower[one.end : cue.start]
        if not between or between[-1] not in _FIELD_SIGNS or len(between) > _FIELD_GAP:
            return False
        if self._ends(cue):
            return True
        behind = self._candidates[bisect_left(self._starts, cue.end)]
        return self._lower[cue.end] in {",", ";"} or ":" in self._lower[cue.end : behind.end + 1]

    def _of_other_field(self, cue: CueHit, one: Candidate) -> bool:
        """Whether the cue is the value of a field before the candidate's ("Complications: no Diagnosis: ulcer")."""
        if cue.start == 0 or self._lower[cue.start - 1] not in _FIELD_SIGNS:
            return False
        return ":" in self._lower[cue.end + 1 : one.start]

    def _restarted(self, cue: CueHit, rule: CueRule, one: Candidate) -> bool:
        """Whether a comma and a size or number begin a positive statement ("no fracture, small effusion").

        Not where the list goes on behind with "or" ("no consolidation, large effusion or pneumothorax").
        """
        if rule.crosses:
            return False
        denied = False
        for index in range(cue.end, one.start):
            if denied and self._begins_item(index, one):
                return True
            denied = denied or index not in self._severity_starts
        return False

    def _observed_with(self, cue: CueHit, one: Candidate) -> bool:
        """Whether "with" brings what is seen after what is only thought of ("likely AVN with small effusion")."""
        sized = (
            index
            for index in range(cue.end, one.start)
            if self._lower[index] == "with" and self._begins_item(index, one)
        )
        if next(sized, None) is not None:
            return True
        first = bisect_left(self._starts, cue.end)
        if first == len(self._candidates) or self._starts[first] >= one.start:
            return False
        return "with" in self._lower[self._candidates[first].end : one.start]

    def _begins_item(self, index: int, one: Candidate) -> bool:
        word = self._lower[index]
        if word == "with":
            near = range(index + 1, min(index + 1 + _ITEM_WORDS, one.start))
            return any(start in self._severity_starts for start in near)
        if word != ",":
            return False
        sized = index + 1 in self._severity_starts or self._lower[index + 1][0].isdigit()
        return sized and not self._offers_choice(one)

    def _offers_choice(self, one: Candidate) -> bool:
        end = min(one.end + _CHOICE_GAP, self._document.sentence_at(one.start).end)
        behind = range(one.end, end)
        stop = next((at for at in behind if self._clauses[at] != self._clauses[one.start]), end)
        return not _CHOICE_WORDS.isdisjoint(self._lower[one.end : stop])

    def _listed(self, one: Candidate, cue: CueHit) -> bool:
        """Whether a cue behind reaches the candidate over nothing but members of its own list."""
        end = one.end
        for other in self._candidates[bisect_left(self._starts, one.end) :]:
            if other.start >= cue.start:
                break
            between = set(self._lower[end : other.start])
            if other.start - end > _LIST_GAP or not _LIST_WORDS & between:
                return False
            if self._explains(other, one, cue) and _JOINING.isdisjoint(between):
                return False
            end = other.end
        return True

    def _explains(self, other: Candidate, one: Candidate, cue: CueHit) -> bool:
        """Whether a doubt is of the diagnosis that follows what was seen ("oedema, AVN cannot be excluded")."""
        if self._rules[cue.rule].category != "uncertainty":
            return False
        kinds = [self._findings.get(each.rule.finding or "") for each in (other, one)]
        named, seen = (kind is not None and kind.is_diagnosis for kind in kinds)
        return named and not seen and kinds[1] is not None
