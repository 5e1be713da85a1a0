"""From terms to candidate mentions: phrases joined over gaps, overlaps settled, impostors dropped."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from extractor.model import Status
from extractor.reading.labels import with_sides_of_fields, without_labels
from extractor.reading.places import Place
from extractor.reading.scan import Taken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor.knowledge.schema import Rule
    from extractor.reading.compiled import JoinedPhrase
    from extractor.reading.scan import Hit, Scan


_BLOCK_PRIORITY = 90
_MODESTY = 100
"""How far behind all others a rule stands that is to speak only where no other does."""
_BOTH = 2
_OPENING = 3
"""Words at the beginning of a sentence within which it takes up the one before ("There is none on the right")."""
_BREAKS = frozenset({";", ".", ":", "no", "nil", "without"})
"""What no phrase reaches over: a new clause, a value, the denial of what follows ("contains no fluid")."""
_DENIALS = frozenset({"not", "never", "longer"})
_BEGINS_HALF = frozenset(
    {
        ",",
        ";",
        "and",
        "but",
        "or",
        "/",
        "(",
        "-",
        "\u2013",
        ":",
        ".",
        "?",
        "while",
        "whereas",
        "with",
        "a",
        "only",
        "just",
    }
)
"""What stands before the second half of a statement; "oedema is marked on the left" is the first."""
_BESIDE = 2
"""Words by which what a rule excludes may stick out of its match."""


_Option = tuple[int, int, Place | None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule matched at a half-open token range."""

    start: int
    end: int
    rule: Rule
    places: tuple[Place, ...] = ()
    """Places that are steps of the phrase itself."""
    denied: bool = False
    """Whether "not" stands inside the phrase ("the marrow is not oedematous")."""

    @property
    def length(self) -> int:
        """Length in tokens."""
        return self.end - self.start


def find_candidates(
    scan: Scan, places: Sequence[Place], *, region: str | None, modality: str | None
) -> list[Candidate]:
    """Return what stays after masking: no two overlap, the more specific hides the less."""
    rules = scan.compiled.rules
    found = [Candidate(hit.start, hit.end, rules[int(hit.value)]) for hit in scan.kind("rule")]
    found += _joined(scan, places)
    allowed = [one for one in found if _allowed(one, scan, region=region, modality=modality)]
    masked = [one for one in _masked(allowed, scan) if not one.rule.block]
    named = _without_glosses(_with_ellipses(masked, scan), scan)
    return with_sides_of_fields(without_labels(_without_repeats(named, scan), scan), scan)


def _joined(scan: Scan, places: Sequence[Place]) -> list[Candidate]:
    by_group: dict[str, list[Place]] = {}
    for place in places:
        for group in place.groups:
            by_group.setdefault(f"<{group}", []).append(place)
    compiled = scan.compiled
    present = scan.keys() | by_group.keys()
    anchored = compiled.anchored
    indices = [
        index
        for key in scan.keys() & anchored.keys()
        for index in anchored[key]
        if compiled.joined[index].needs <= present
    ]
    known: dict[str, list[_Option]] = {}
    found = []
    for index in sorted(indices):
        phrase = compiled.joined[index]
        for step in phrase.steps:
            if step not in known:
                known[step] = _options(scan, by_group, step)
        found.extend(_match(scan, phrase, [known[step] for step in phrase.steps]))
    return found


def holds_in(scan: Scan, phrase: JoinedPhrase, sentence: int, after: int = 0) -> bool:
    """Whether a phrase without places stands in a sentence, from a token on."""
    sentence_of = scan.document.sentence_of
    options: list[list[_Option]] = [
        [
            (start, end, None)
            for start, end in scan.key(key)
            if start >= after and sentence_of[start] == sentence
        ]
        for key in phrase.steps
    ]
    return all(options) and any(
        _chain(scan, phrase, options, [first]) is not None for first in options[0]
    )


def _options(scan: Scan, by_group: dict[str, list[Place]], key: str) -> list[_Option]:
    if key.startswith("<"):
        places = by_group.get(key, [])
        return [(place.start, place.end, place) for place in places if not place.exclusive]
    return [(start, end, None) for start, end in scan.key(key)]


def _match(scan: Scan, phrase: JoinedPhrase, options: list[list[_Option]]) -> list[Candidate]:
    found = []
    for first in options[0]:
        chain = _chain(scan, phrase, options, [first])
        if chain:
            places = tuple(place for _, _, place in chain if place is not None)
            gaps = pairwise(chain)
            denied = any(
                word in _DENIALS
                for (_, end, _), (start, _, _) in gaps
                for word in scan.document.tokens.lower[end:start]
            )
            rule = scan.compiled.rules[phrase.rule]
            found.append(Candidate(chain[0][0], chain[-1][1], rule, places, denied))
    return found


def _chain(
    scan: Scan, phrase: JoinedPhrase, options: list[list[_Option]], chain: list[_Option]
) -> list[_Option] | None:
    """Return the nearest continuation of a chain of steps, or ``None``."""
    step = len(chain)
    if step == len(options):
        return chain
    end = chain[-1][1]
    for start, stop, place in options[step][bisect_left(options[step], (end,)) :]:
        if start - end > phrase.gaps[step - 1] or _broken(scan, chain[0][0], end, start):
            break
        longer = _chain(scan, phrase, options, [*chain, (start, stop, place)])
        if longer:
            return longer
    return None


def _broken(scan: Scan, first: int, start: int, end: int) -> bool:
    """Whether the sentence or a clause ends between, or what was said is compared with something else."""
    document = scan.document
    if document.sentence_of[first] != document.sentence_of[end]:
        return True
    compared = scan.kind("compared")
    if compared and any(start <= hit.start < end for hit in compared):
        return True
    between = document.tokens.lower[start:end]
    return not _BREAKS.isdisjoint(between) and any(
        word in _BREAKS and document.tokens.lower[index + 1] != "longer"
        for index, word in enumerate(between, start)
    )


def _allowed(one: Candidate, scan: Scan, *, region: str | None, modality: str | None) -> bool:
    """Whether the examination and the words around let the rule speak."""
    rule = one.rule
    if rule.modalities and modality not in rule.modalities:
        return False
    if rule.requires_region and region not in rule.requires_region:
        return False
    return not _forbidden(one, scan) and _has_what_it_needs(one, scan)


def _forbidden(one: Candidate, scan: Scan) -> bool:
    """Whether a word stands within, before, behind or next to the candidate that rules it out."""
    guards, said = scan.compiled.guards[one.rule.id], scan.keys()
    if guards.beside in said:
        touching = scan.between(guards.beside, one.start - _BESIDE, one.end + 1)
        if any(one.start <= end <= one.end + _BESIDE for _, end in touching):
            return True
    if guards.behind in said and scan.between(guards.behind, one.end, one.end + 1):
        return True
    if guards.before not in said and guards.after not in said:
        return False
    start, end = _clause(scan, one)
    return bool(
        (guards.before and scan.between(guards.before, start, one.start))
        or (guards.after and scan.between(guards.after, one.end, end))
    )


def _has_what_it_needs(one: Candidate, scan: Scan) -> bool:
    needed = scan.compiled.guards[one.rule.id].needed
    if needed is None:
        return True
    sentence = scan.document.sentence_at(one.start)
    return bool(scan.between(needed, sentence.start, one.start))


def _clause(scan: Scan, one: Candidate) -> tuple[int, int]:
    """Return the token range between the semicolons around a candidate, within its sentence."""
    sentence = scan.document.sentence_at(one.start)
    lower = scan.document.tokens.lower
    start = next(
        (at + 1 for at in range(one.start - 1, sentence.start, -1) if lower[at] == ";"),
        sentence.start,
    )
    end = next((at for at in range(one.end, sentence.end) if lower[at] == ";"), sentence.end)
    return start, end


def _masked(found: list[Candidate], scan: Scan) -> list[Candidate]:
    findings = scan.compiled.patterns.findings

    def rank(one: Candidate) -> tuple[int, int, int]:
        declared = findings[one.rule.finding].priority if one.rule.finding else _BLOCK_PRIORITY
        modest = _MODESTY if one.rule.only_alone or one.rule.ellipsis else 0
        return modest - (one.rule.priority or declared), -one.length, one.start

    taken = Taken()
    kept = [
        one for one in sorted(found, key=rank) if one.rule.beside or taken.take(one.start, one.end)
    ]
    return sorted(kept, key=lambda one: one.start)


def _with_ellipses(found: list[Candidate], scan: Scan) -> list[Candidate]:
    """Give the second halves of statements the finding that the first half names.

    What is said of a side right behind a field's colon is the value of the field itself
    ("Effusion: R nil, L moderate").
    """
    findings = scan.compiled.patterns.findings
    sentence_of = scan.document.sentence_of
    lower = scan.document.tokens.lower
    kept: list[Candidate] = []
    for one in found:
        if not one.rule.ellipsis:
            kept.append(one)
            continue
        before = kept[-1] if kept else None
        if before is None or not findings[before.rule.finding or ""].elliptic:
            continue
        apart = sentence_of[one.start] - sentence_of[before.start]
        opening = one.start - scan.document.sentence_at(one.start).start <= _OPENING
        if (apart and not (opening and apart <= one.rule.across)) or (
            not apart and lower[one.start - 1] not in _BEGINS_HALF
        ):
            continue
        if not apart and lower[before.end : one.start] == [":"]:
            told = {"status": one.rule.status, "stands_alone": one.rule.stands_alone}
            update = {"only_alone": False, **(told if one.rule.status else {})}
            whole = before.rule.model_copy(update=update)
            kept[-1] = replace(before, end=one.end, rule=whole)
            continue
        rule = one.rule.model_copy(update={"finding": before.rule.finding})
        kept.append(replace(one, rule=rule))
    return kept


def _without_glosses(found: list[Candidate], scan: Scan) -> list[Candidate]:
    """Drop an abbreviation in brackets behind the term that it stands for."""
    lower = scan.document.tokens.lower
    kept: list[Candidate] = []
    for one in found:
        before = kept[-1] if kept else None
        is_gloss = (
            before is not None
            and one.rule.case == "exact"
            and before.rule.finding == one.rule.finding
            and lower[before.end : one.start] == ["("]
            and lower[one.end : one.end + 1] == [")"]
        )
        if not is_gloss:
            kept.append(one)
    return kept


def _without_repeats(found: list[Candidate], scan: Scan) -> list[Candidate]:
    """Drop what only repeats a finding that its sentence names by another rule."""
    sentence_of = scan.document.sentence_of
    named: dict[tuple[str | None, int], list[Candidate]] = {}
    for one in sorted(found, key=lambda one: (one.rule.only_alone, one.start)):
        key = one.rule.finding, sentence_of[one.start]
        sides = scan.by_sentence("side").get(sentence_of[one.start], ())
        if not any(_repeats(one, other, sides) for other in named.get(key, ())):
            named.setdefault(key, []).append(one)
    return sorted((one for ones in named.values() for one in ones), key=lambda one: one.start)


def _repeats(one: Candidate, other: Candidate, sides: Sequence[Hit]) -> bool:
    """Whether a candidate tells again what another of its sentence names: not where they part by side."""
    if not (one.rule.only_alone or (one.rule.not_after_named and other.end <= one.start)):
        return False
    if len({side.value for side in sides}) < _BOTH:
        return True
    first, last = min(one.end, other.end), max(one.start, other.start)
    if (one.rule.status == Status.NEGATED) != (other.rule.status == Status.NEGATED):
        # the normal that a phrase states of the other side is told behind, wherever its side stands
        return not any(first <= side.start for side in sides)
    return not any(first <= side.start < last for side in sides)
