"""Whether a report names anything of the region that the audit is about.

The question before reading: a report that names neither the region nor the disease cannot be in
scope (see :func:`extractor.reading.facts.read_study`) and cannot be lifted out of it by a rule of
the case definition that holds for whole reports. It is answered on tokens, without spaCy.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from extractor.knowledge.expressions import parse_expression
from extractor.text.near import anchor_of
from extractor.text.tokens import tokenise, words_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from extractor.assessment.atoms import CompiledDefinition
    from extractor.reading.compiled import CompiledPatterns
    from extractor.text.spelling import Speller

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WordSequences:
    """Sequences of lower-cased tokens, none of which holds another."""

    sequences: frozenset[Words]
    _by_first: dict[str, list[Words]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_first: dict[str, list[Words]] = defaultdict(list)
        for sequence in self.sequences:
            by_first[sequence[0]].append(sequence)
        object.__setattr__(self, "_by_first", dict(by_first))

    @classmethod
    def of(cls, sequences: Iterable[Words]) -> WordSequences:
        """Return the sequences without those that hold another one: where they stand, it stands."""
        every = frozenset(sequences) - {()}
        return cls(frozenset(one for one in every if every.isdisjoint(_inside(one))))

    def stand_in(self, words: Sequence[str]) -> bool:
        """Whether any of the sequences stands in a text's words."""
        return any(
            words[at + len(sequence) - 1 : at + len(sequence)] == [sequence[-1]]
            and tuple(words[at : at + len(sequence)]) == sequence
            for at, word in enumerate(words)
            if word in self._by_first
            for sequence in self._by_first[word]
        )


@dataclass(frozen=True, slots=True)
class ScopeWords:
    """What a report has to hold to name anything of the audited region."""

    named: WordSequences
    """Words and hints of the regions in scope, and literal names of what lifts a report by itself."""
    joined: tuple[tuple[WordSequences, ...], ...]
    """Such names in steps with words between them: all the steps stand somewhere."""
    bare: WordSequences
    """Places that mean one of the region where no region is named at all ("the head")."""
    regions: frozenset[str]
    """Single words, each of which names a region wherever it stands."""

    def named_in(self, text: str, description: str, speller: Speller) -> bool:
        """Whether a report names anything of the region; a blank one is for the reader to judge."""
        if not text.strip():
            return True
        return self.named.stand_in(tokenise(description, speller.reading).lower) or self._stand_in(
            tokenise(text, speller.reading).lower
        )

    def _stand_in(self, words: Sequence[str]) -> bool:
        """Whether the words of a text name anything of the region."""
        return (
            self.named.stand_in(words)
            or any(all(step.stand_in(words) for step in steps) for steps in self.joined)
            or (self.bare.stand_in(words) and self.regions.isdisjoint(words))
        )


def compile_scope_words(compiled: CompiledPatterns, definition: CompiledDefinition) -> ScopeWords:
    """Gather the words of the scope from a pattern set."""
    regions = compiled.patterns.anatomy.regions
    scope = {name for name, region in regions.items() if region.in_scope}
    findings = _lifting(definition)
    rules = {index for index, rule in enumerate(compiled.rules) if rule.finding in findings}
    named = [f"{kind}:{name}" for name in scope for kind in ("region", "hint")]
    named += [f"rule:{index}" for index in rules]
    bare = [
        f"site:{index}"
        for index, site in enumerate(compiled.sites)
        if site.only_in and site.region in scope
    ]
    joined = {
        tuple(key for key in phrase.steps if not key.startswith("<"))
        for phrase in compiled.joined
        if phrase.rule in rules
    }
    every = [f"region:{name}" for name in regions]
    headings = _heading_words(compiled)
    steps = {key for keys in joined for key in keys}
    literals = _literals_of(compiled, {*named, *bare, *every, *steps})
    return ScopeWords(
        named=WordSequences.of(_safe(one) for key in named for one in literals[key]),
        joined=tuple(
            tuple(WordSequences.of(literals[key]) for key in keys) for keys in sorted(joined)
        ),
        bare=WordSequences.of(one for key in bare for one in literals[key]),
        regions=frozenset(
            one[0]
            for key in every
            for one in literals[key]
            if len(one) == 1 and one[0].isalpha() and one[0] not in headings
        ),
    )


def _literals_of(compiled: CompiledPatterns, keys: Collection[str]) -> dict[str, set[Words]]:
    """Return the literals of some keys as they are matched: lower-cased tokens."""
    found: dict[str, set[Words]] = {key: set() for key in keys}
    for key, literal in compiled.terms:
        if key in found:
            found[key].add(tuple(words_of(literal)))
    return found


def _inside(sequence: Words) -> Iterator[Words]:
    """Yield every shorter stretch of a sequence."""
    for length in range(1, len(sequence)):
        for start in range(len(sequence) - length + 1):
            yield sequence[start : start + length]


def _safe(sequence: Words) -> Words:
    """Return what is looked for: of a sequence with a full stop one word.

    The title is the description and the report's first line with a full stop between, so that such a
    sequence might begin in the one and end in the other.
    """
    return (anchor_of(sequence),) if "." in sequence else sequence


def _heading_words(compiled: CompiledPatterns) -> set[str]:
    """Return the words of headings: what stands in one belongs to no sentence and names nothing."""
    return {
        word
        for phrases in compiled.patterns.headings.values()
        for phrase in phrases
        for word in words_of(phrase)
    }


def _lifting(definition: CompiledDefinition) -> set[str]:
    """Return the findings that a rule for whole reports asks for: they are looked for in every report."""
    waiting = [
        name
        for rule in definition.source.rules
        if rule.scope == "report"
        for name in parse_expression(rule.when).names
    ]
    known: set[str] = set()
    findings: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in known or name not in definition.atoms:
            continue
        known.add(name)
        findings.update(definition.atoms[name].findings)
        if name in definition.conditions:
            waiting.extend(definition.conditions[name].names)
    return findings
