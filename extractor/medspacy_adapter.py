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
from typing import TYPE_CHECKING, Any

from spacy.tokens import Doc

from extractor.errors import PatternError
from extractor.text.tokens import tokenise

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from spacy.vocab import Vocab

Words = tuple[str, ...]
_TARGETS = "targets"
_BETWEEN = "\n"
"""Stands between sentences that are read together, and is no word of any phrase."""
_CHUNK_WORDS = 150
_REMEMBERED = 50_000
"""Sentences whose terms and cues are remembered; some 20 MB."""
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

        self._known_terms: dict[Words, list[TermHit]] = {}
        self._known_cues: dict[Words, list[CueHit]] = {}

    def terms(self, sentences: Sequence[Words]) -> list[list[TermHit]]:
        """Return every term of each sentence of lower-cased words, overlapping ones too.

        Radiologists repeat their sentences: what has been read lately is remembered.
        """
        _make_room(self._known_terms, len(sentences))
        fresh = [words for words in dict.fromkeys(sentences) if words not in self._known_terms]
        if fresh:
            self._known_terms.update(zip(fresh, self._find_terms(fresh), strict=True))
        return [self._known_terms[words] for words in sentences]

    def cues(self, sentences: Sequence[Words]) -> list[list[CueHit]]:
        """Return the cues of each sentence with their scopes, ended by terminators and sentence ends.

        ConText compares each cue with each other, so it is given a few sentences at a time: its time
        then grows with the length of a report and not with its square.
        """
        _make_room(self._known_cues, len(sentences))
        fresh = [words for words in dict.fromkeys(sentences) if words not in self._known_cues]
        if fresh:
            for chunk in _chunks(fresh):
                self._known_cues.update(zip(chunk, self._find_cues(chunk), strict=True))
        return [self._known_cues[words] for words in sentences]

    def remembered(self) -> tuple[int, int]:
        """Return how many sentences' terms and cues are remembered."""
        return len(self._known_terms), len(self._known_cues)

    def _find_terms(self, sentences: Sequence[Words]) -> list[list[TermHit]]:
        starts, owner = _joined(sentences)
        found: list[list[TermHit]] = [[] for _ in sentences]
        for name, start, end in self._targets(self._doc(sentences)):
            index = owner[start]
            if owner[end - 1] == index:
                first = starts[index]
                found[index] += [
                    TermHit(key, start - first, end - first) for key in self._keys[name]
                ]
        return found

    def _find_cues(self, sentences: Sequence[Words]) -> list[list[CueHit]]:
        starts, owner = _joined(sentences)
        doc = self._doc(sentences, sentence_starts=set(starts))
        # ConText is to find cues and their scopes; which mentions they govern is decided by our rules
        doc.spans[_TARGETS] = []
        graph = self._context(doc)._.context_graph
        found: list[list[CueHit]] = [[] for _ in sentences]
        for modifier in graph.modifiers:
            start, end = modifier.modifier_span
            first = starts[owner[start]]
            last = len(sentences[owner[start]])
            scope_start, scope_end = (min(place - first, last) for place in modifier.scope_span)
            found[owner[start]] += [
                CueHit(rule, start - first, end - first, scope_start, scope_end)
                for rule in modifier.rule.metadata["rules"]
            ]
        return found

    def _doc(
        self, sentences: Sequence[Words], sentence_starts: Collection[int] | None = None
    ) -> Doc:
        words = [word for sentence in sentences for word in (*sentence, _BETWEEN)]
        if sentence_starts is None:
            return Doc(self._nlp.vocab, words=words)
        marks: list[bool | int | None] = [index in sentence_starts for index in range(len(words))]
        return Doc(self._nlp.vocab, words=words, sent_starts=marks)


def _joined(sentences: Sequence[Words]) -> tuple[list[int], list[int]]:
    """Return where each sentence starts among all words with their signs between, and the sentence of each."""
    starts: list[int] = []
    owner: list[int] = []
    for index, words in enumerate(sentences):
        starts.append(len(owner))
        owner += [index] * (len(words) + 1)
    return starts, owner


def _chunks(sentences: Sequence[Words]) -> Iterator[list[Words]]:
    chunk: list[Words] = []
    size = 0
    for words in sentences:
        chunk.append(words)
        size += len(words)
        if size >= _CHUNK_WORDS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _make_room(known: dict[Words, Any], wanted: int) -> None:
    """Forget all that is remembered before there is more of it than memory is meant for.

    Before it is asked what is known: nothing that the caller is about to read may be forgotten.
    """
    if len(known) + wanted > _REMEMBERED:
        known.clear()


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
