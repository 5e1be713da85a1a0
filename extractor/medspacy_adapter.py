"""medspaCy behind one thin door: target matching and ConText over tokens of our own.

Only this module imports spaCy and medspaCy; no object of theirs leaves it. Known faults that it
closes: medspaCy sets ``warnings.filterwarnings("ignore")`` for the whole process when it is
imported, and its dependency PyRuSH, which logs every token of the text, is left out altogether.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from extractor.left_out import without_unused_parts

with warnings.catch_warnings(), without_unused_parts():
    import spacy
    from medspacy.common.medspacy_matcher import MedspacyMatcher as RuleMatcher
    from medspacy.context import ConText, ConTextRule
    from medspacy.target_matcher import TargetRule
from typing import TYPE_CHECKING

from spacy.tokens import Doc

from extractor.errors import PatternError
from extractor.text.tokens import tokenise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from spacy.vocab import Vocab

_TARGETS = "targets"
# spaCy warns at each call of a matcher that holds no token pattern; this one never matches.
_NEVER = [{"ORTH": "never", "LENGTH": 1}]
_NEVER_TARGET = TargetRule("never", "NEVER", pattern=_NEVER)
_NEVER_CUE = ConTextRule(
    "never", "NEVER", pattern=_NEVER, direction="PSEUDO", metadata={"rules": []}
)
_DIRECTIONS = {
    "forward": "FORWARD",
    "backward": "BACKWARD",
    "both": "BIDIRECTIONAL",
    "terminate": "TERMINATE",
    "pseudo": "PSEUDO",
}


@dataclass(frozen=True, slots=True)
class Term:
    """A literal word sequence to find, and what it stands for."""

    literal: str
    key: str


@dataclass(frozen=True, slots=True)
class TermHit:
    """A term found: half-open token indices."""

    key: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class CuePhrase:
    """A literal cue, the rule it comes from and where it looks."""

    literal: str
    rule: str
    direction: str


@dataclass(frozen=True, slots=True)
class CueHit:
    """A cue found, and its scope: half-open token indices."""

    rule: str
    start: int
    end: int
    scope_start: int
    scope_end: int


class _Tokenizer:
    """Gives spaCy the tokens of :mod:`extractor.text.tokens`."""

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        return Doc(self.vocab, words=tokenise(text).lower)


class MedspacyMatcher:
    """Finds terms and cues in tokenised text, in one pass each."""

    def __init__(self, terms: Iterable[Term], cues: Iterable[CuePhrase]) -> None:
        self._nlp = spacy.blank("en")
        # words come lower-cased: they are compared as they are, and spaCy need not work out shape,
        # prefix, likeness to a number and the rest of each new word
        setattr(self._nlp.vocab, "lex_attr_getters", {})  # noqa: B010 - spaCy's stubs lack it
        self._nlp.tokenizer = _Tokenizer(self._nlp.vocab)
        keys: dict[str, list[str]] = {}
        for term in terms:
            literal = " ".join(tokenise(term.literal).lower)
            if term.key not in keys.setdefault(literal, []):
                keys[literal].append(term.key)
        # the matcher under medspaCy's TargetMatcher, which would make a span of every match
        self._targets = RuleMatcher(self._nlp, phrase_matcher_attr="ORTH", prune=False)
        self._targets.add([_NEVER_TARGET, *(TargetRule(literal, "TERM") for literal in keys)])
        self._keys = {
            self._nlp.vocab.strings[name]: keys.get(rule.literal, [])
            for name, rule in self._targets.rule_map.items()
        }
        self._context = ConText(
            self._nlp,
            rules=None,
            phrase_matcher_attr="ORTH",
            span_attrs=None,
            input_span_type="group",
            span_group_name=_TARGETS,
        )
        self._context.add([_NEVER_CUE, *_context_rules(cues)])

    def terms(self, words: Sequence[str]) -> list[TermHit]:
        """Return every term in lower-cased words, overlapping ones too."""
        doc = Doc(self._nlp.vocab, words=list(words))
        return [
            TermHit(key, start, end)
            for name, start, end in self._targets(doc)
            for key in self._keys[name]
        ]

    def cues(self, words: Sequence[str], sentence_starts: Sequence[int]) -> list[CueHit]:
        """Return the cues of the text with their scopes, ended by terminators and sentence ends."""
        starts = set(sentence_starts)
        doc = Doc(
            self._nlp.vocab,
            words=list(words),
            sent_starts=[index in starts for index in range(len(words))],
        )
        # ConText is to find cues and their scopes; which mentions they govern is decided by our rules
        doc.spans[_TARGETS] = []
        graph = self._context(doc)._.context_graph
        return [
            CueHit(rule, *modifier.modifier_span, *modifier.scope_span)
            for modifier in graph.modifiers
            for rule in modifier.rule.metadata["rules"]
        ]


def _context_rules(cues: Iterable[CuePhrase]) -> list[ConTextRule]:
    """Return one rule a literal: medspaCy keeps only one of several matches of the same words.

    Raises:
        PatternError: words that are to end cues and to be one as well.

    """
    by_literal: dict[str, list[CuePhrase]] = {}
    for cue in cues:
        group = by_literal.setdefault(" ".join(tokenise(cue.literal).lower), [])
        if cue.rule not in {other.rule for other in group}:
            group.append(cue)
    rules = []
    for literal, phrases in by_literal.items():
        # a cue hides the shorter ones inside it by itself, so it needs no pseudo cue beside it
        group = [cue for cue in phrases if cue.direction != "pseudo"] or phrases
        directions = {cue.direction for cue in group}
        if len(directions) > 1 and "terminate" in directions:
            names = ", ".join(f"'{cue.rule}'" for cue in group)
            msg = f"the cue phrase '{literal}' stands in {names}, one of which ends cues; keep one of them"
            raise PatternError(msg)
        direction = directions.pop() if len(directions) == 1 else "both"
        metadata = {"rules": [cue.rule for cue in group]}
        # ConText ends a cue's scope at the next of its category: only cues of the same rule are to do that
        rules.append(
            ConTextRule(
                literal, group[0].rule.upper(), direction=_DIRECTIONS[direction], metadata=metadata
            )
        )
    return rules
