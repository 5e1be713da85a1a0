"""What a report asserts of a candidate: status, certainty, change and experiencer, with the cues.

The nearest forward cue counts among negation and uncertainty; what is said after the candidate
("... is not seen", "Effusion: none") outranks what was said before; a section gives what no cue does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor.model import Certainty, Experiencer, SectionCategory, Status
from extractor.reading.alternatives import find_alternatives
from extractor.reading.halves import Halves

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from extractor.medspacy_adapter import CueHit
    from extractor.reading.candidates import Candidate
    from extractor.reading.scan import Scan
    from extractor.reading.scopes import CueScopes

_DENIED_GAP = 12
"""Words between a denial and the softer words that it governs ("no change suggestive of")."""


_DOUBTED_GAP = 2
"""Words between a doubt and the assertion that it governs ("unclear whether this is secondary to")."""
_CHOICE = frozenset({"or", "nor"})
"""Words that go on with a list that is denied."""
_FLIPPING = frozenset({"not", "no"})
"""Words right before a statement of the normal that turn it round ("not normally mineralised")."""
_NEW_ITEM = frozenset({",", "and", "with", ":"})
"""Words across which a denial does not govern a softer word."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """What is asserted, and the cues that made it so."""

    status: Status
    certainty: Certainty | None
    change: str | None
    method: str | None
    experiencer: Experiencer
    cues: tuple[CueHit, ...]
    is_past: bool
    """Whether words of the past govern it, whatever the status."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    status: Status
    cue: CueHit | None = None
    certainty: Certainty | None = None


@dataclass(frozen=True, slots=True)
class _Case:
    """What there is to weigh for one candidate."""

    one: Candidate
    section: SectionCategory
    decisive: CueHit | None
    """The cue among negation, uncertainty and affirmation that counts."""
    category: str | None
    """Its category."""
    hypothetical: CueHit | None
    historical: CueHit | None
    resolution: str | None
    """The change that the historical cue tells: it was there and is gone."""
    change: str | None
    alternative: CueHit | None
    """The word that leaves the choice between this and another finding."""


class AssertionReader:
    """Weighs cues for the candidates of one report."""

    def __init__(self, scan: Scan, scopes: CueScopes, candidates: Sequence[Candidate]) -> None:
        self._scan = scan
        self._halves = Halves(scan, candidates)
        self._document = scan.document
        self._lower = scan.document.tokens.lower
        self._rules = scan.compiled.cues
        self._findings = scan.compiled.patterns.findings
        self._scopes = scopes
        self._alternatives = find_alternatives(scan, candidates)

    def read(self, one: Candidate) -> Assertion:
        """Return what the report asserts of a candidate."""
        cues = self._scopes.governing(one)
        nearest = {category: _nearest(group, one) for category, group in cues.items()}
        change, method = nearest.get("change"), nearest.get("method")
        case = self._case(one, cues, nearest)
        verdict = next(verdict for judge in _JUDGES if (verdict := judge(self, case)))
        resolved = verdict.status == Status.HISTORICAL and verdict.cue is not None
        said = [verdict.cue, change, method, *cues.get("experiencer", [])]
        return Assertion(
            status=verdict.status,
            certainty=verdict.certainty,
            change=(case.resolution if resolved else None) or case.change,
            method=one.rule.method or (self._rules[method.rule].method if method else None),
            experiencer=Experiencer.OTHER if cues.get("experiencer") else Experiencer.PATIENT,
            cues=tuple(sorted({cue for cue in said if cue}, key=lambda cue: (cue.start, cue.rule))),
            is_past=verdict.status == Status.HISTORICAL or case.historical is not None,
        )

    def _case(
        self, one: Candidate, cues: dict[str, list[CueHit]], nearest: dict[str, CueHit | None]
    ) -> _Case:
        decisive = self._decisive(one, cues)
        change = nearest.get("change")
        past = cues.get("historical", [])
        # "the previously seen effusion has resolved": that it is gone tells more than that it was
        gone = [
            cue for cue in past if self._rules[cue.rule].change and not _between(decisive, cue, one)
        ]
        historical = _nearest(gone or past, one)
        return _Case(
            one=one,
            section=self._document.sentence_at(one.start).section,
            decisive=decisive,
            category=self._rules[decisive.rule].category if decisive else None,
            hypothetical=nearest.get("hypothetical"),
            historical=historical,
            resolution=self._rules[historical.rule].change if historical else None,
            change=one.rule.change or (self._rules[change.rule].change if change else None),
            alternative=self._alternatives.get(one.start),
        )

    def _decisive(self, one: Candidate, cues: dict[str, list[CueHit]]) -> CueHit | None:
        denials, doubts = cues.get("negation", []), cues.get("uncertainty", [])
        behind = [cue for cue in denials if cue.start >= one.end]
        if behind:
            return _nearest(behind, one)
        rivals = [*denials, *doubts, *cues.get("affirmation", [])]
        before = [cue for cue in rivals if cue.start < one.start]
        nearest = self._governor(_nearest(before, one), before)
        after = _nearest([cue for cue in doubts if cue.start >= one.end], one)
        if nearest and nearest in denials and not self._has_own_predicate(nearest, one, after):
            return nearest
        if after and nearest and self._scopes.speaks_between(one, after):
            # "most suggestive of X, Y cannot be excluded": each has its own
            return nearest
        return after or nearest

    def _has_own_predicate(self, denial: CueHit, one: Candidate, doubt: CueHit | None) -> bool:
        """Whether a comma behind the denial begins a statement of its own ("no trauma, AVN is favoured").

        Not where the denial goes through a list to its last item ("no fracture, AVN or sepsis is suspected").
        """
        if doubt is None or self._scopes.speaks_between(one, doubt):
            return False
        before = self._lower[denial.end : one.start]
        if "," not in before:
            return False
        item = before[len(before) - before[::-1].index(",") :]
        rest = self._lower[one.end : doubt.start]
        return _CHOICE.isdisjoint(item) and _CHOICE.isdisjoint(rest)

    def _governor(self, cue: CueHit | None, before: Sequence[CueHit]) -> CueHit | None:
        """Return what governs the cue from before it, else the cue.

        A denial governs softer words ("no finding suggestive of"), a doubt the words of assertion
        right behind it ("possibly due to", "unclear whether this is secondary to").
        """
        category = None if cue is None else self._rules[cue.rule].category
        if cue is None or category == "negation":
            return cue
        gaps = {
            "negation": _DENIED_GAP,
            "uncertainty": _DOUBTED_GAP if category == "affirmation" else -1,
        }
        for other in before:
            between = self._lower[other.end : cue.start]
            gap = gaps.get(self._rules[other.rule].category, -1)
            governs = other.end <= cue.start and len(between) <= gap
            if governs and _NEW_ITEM.isdisjoint(between):
                return other
        return cue

    def _stated_by_phrase(self, case: _Case) -> _Verdict | None:
        rule = case.one.rule
        if rule.stands_alone and rule.status:
            return _Verdict(rule.status, None, rule.certainty)
        return None

    def _hypothetical(self, case: _Case) -> _Verdict | None:
        if case.hypothetical and case.category != "negation":
            return _Verdict(Status.HYPOTHETICAL, case.hypothetical)
        return None

    def _resolved(self, case: _Case) -> _Verdict | None:
        return _Verdict(Status.HISTORICAL, case.historical) if case.resolution else None

    def _denied(self, case: _Case) -> _Verdict | None:
        if case.category != "negation":
            return None
        denies_normal = case.one.rule.status == Status.NEGATED
        return _Verdict(Status.AFFIRMED if denies_normal else Status.NEGATED, case.decisive)

    def _advised(self, case: _Case) -> _Verdict | None:
        advised = case.section == SectionCategory.RECOMMENDATION
        return _Verdict(Status.HYPOTHETICAL) if advised else None

    def _doubted(self, case: _Case) -> _Verdict | None:
        if case.category != "uncertainty" or case.decisive is None:
            return None
        if case.section == SectionCategory.INDICATION:
            return _Verdict(Status.HYPOTHETICAL, case.decisive)
        certainty = self._rules[case.decisive.rule].certainty
        return _Verdict(Status.UNCERTAIN, case.decisive, certainty)

    def _denied_inside(self, case: _Case) -> _Verdict | None:
        """What stands between the words of a phrase: "the marrow is not oedematous", "not normal"."""
        denies_normal = case.one.rule.status == Status.NEGATED
        before = self._lower[case.one.start - 1] if case.one.start else ""
        flipped = denies_normal and case.one.rule.stands_alone and before in _FLIPPING
        if not case.one.denied and not flipped:
            return None
        return _Verdict(Status.AFFIRMED if denies_normal else Status.NEGATED)

    def _meant_by_phrase(self, case: _Case) -> _Verdict | None:
        rule = case.one.rule
        if rule.status == Status.UNCERTAIN and self._halves.completed(case.one):
            return _Verdict(Status.AFFIRMED)
        return _Verdict(rule.status, None, rule.certainty) if rule.status else None

    def _alternative(self, case: _Case) -> _Verdict | None:
        """One of two findings between which the report leaves the choice; a request asks which it is."""
        if (
            case.alternative is None
            or case.historical
            or case.section == SectionCategory.COMPARISON
        ):
            return None
        if case.section == SectionCategory.INDICATION:
            return _Verdict(Status.HYPOTHETICAL, case.alternative)
        certainty = self._rules[case.alternative.rule].certainty
        return _Verdict(Status.UNCERTAIN, case.alternative, certainty)

    def _past(self, case: _Case) -> _Verdict | None:
        finding = self._findings.get(case.one.rule.finding or "")
        asked = case.section == SectionCategory.INDICATION
        if finding is not None and finding.is_event and asked:
            return None
        if case.historical and case.change is None:
            return _Verdict(Status.HISTORICAL, case.historical)
        compared = case.section == SectionCategory.COMPARISON
        return _Verdict(Status.HISTORICAL) if compared or self._was_known(case) else None

    def _was_known(self, case: _Case) -> bool:
        """Whether a request asserts what can only have been found before ("osteoporosis on alendronate")."""
        finding = self._findings.get(case.one.rule.finding or "")
        asked = case.section == SectionCategory.INDICATION
        return asked and finding is not None and finding.known_in_request

    def _affirmed(self, case: _Case) -> _Verdict | None:
        return _Verdict(Status.AFFIRMED, case.decisive)


# The first that has something to say decides.
_JUDGES: tuple[Callable[[AssertionReader, _Case], _Verdict | None], ...] = (
    AssertionReader._denied_inside,  # noqa: SLF001 - the class's own table
    AssertionReader._stated_by_phrase,  # noqa: SLF001
    AssertionReader._hypothetical,  # noqa: SLF001
    AssertionReader._resolved,  # noqa: SLF001
    AssertionReader._denied,  # noqa: SLF001
    AssertionReader._advised,  # noqa: SLF001
    AssertionReader._doubted,  # noqa: SLF001
    AssertionReader._meant_by_phrase,  # noqa: SLF001
    AssertionReader._alternative,  # noqa: SLF001
    AssertionReader._past,  # noqa: SLF001
    AssertionReader._affirmed,  # noqa: SLF001
)


def _nearest(cues: Sequence[CueHit], one: Candidate) -> CueHit | None:
    return min(cues, key=lambda cue: max(cue.start - one.end, one.start - cue.end), default=None)


def _between(rival: CueHit | None, cue: CueHit, one: Candidate) -> bool:
    """Whether a rival stands between a cue and the candidate behind it."""
    return rival is not None and cue.end <= rival.start and rival.end <= one.start
