"""medspaCy behind one thin door: ConText over tokens of our own.

Only this module imports spaCy and medspaCy; no object of theirs leaves it. Known faults that it
closes: medspaCy sets ``warnings.filterwarnings("ignore")`` for the whole process when it is
imported, its dependency PyRuSH, which logs every token of the text, is left out altogether, and
spaCy's logger prints its messages, which may quote what is read, with a handler of its own.
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass

from extractor.left_out import without_unused_parts

with warnings.catch_warnings(), without_unused_parts():
    import spacy
    from medspacy.context import ConText, ConTextRule
from typing import TYPE_CHECKING, Any

from spacy.tokens import Doc

from extractor.errors import PatternError
from extractor.text.tokens import words_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from spacy.vocab import Vocab

# Nothing: not even to standard error, as Python does where nobody handles a message.
logging.getLogger("spacy").handlers = [logging.NullHandler()]

Words = tuple[str, ...]
_TARGETS = "targets"
_BETWEEN = "\n"
"""Stands between sentences that are read together, and is no word of any phrase."""
_CHUNK_WORDS = 150
_REMEMBERED = 50_000
"""Sentences whose cues are remembered; some 10 MB."""
# spaCy warns at each call of a matcher that holds no token pattern; this one never matches.
_NEVER = [{"ORTH": "never", "LENGTH": 1}]
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
        return Doc(self.vocab, words=words_of(text))


class CueFinder:
    """Finds cues and their scopes in tokenised text."""

    def __init__(self, cues: Iterable[CuePhrase]) -> None:
        self._nlp = spacy.blank("en")
        # words come lower-cased: they are compared as they are, and spaCy need not work out shape,
        # prefix, likeness to a number and the rest of each new word
        setattr(self._nlp.vocab, "lex_attr_getters", {})  # noqa: B010 - spaCy's stubs lack it
        self._nlp.tokenizer = _Tokenizer(self._nlp.vocab)
        self._context = ConText(
            self._nlp,
            rules=None,
            phrase_matcher_attr="ORTH",
            span_attrs=None,
            input_span_type="group",
            span_group_name=_TARGETS,
        )
        self._context.add([_NEVER_CUE, *_context_rules(cues)])
        self._known: dict[Words, list[CueHit]] = {}

    def find(self, sentences: Sequence[Words]) -> list[list[CueHit]]:
        """Return the cues of each sentence with their scopes, ended by terminators and sentence ends.

        ConText compares each cue with each other, so it is given a few sentences at a time: its time
        then grows with the length of a report and not with its square. Radiologists repeat their
        sentences: what has been read lately is remembered.
        """
        _make_room(self._known, len(sentences))
        fresh = [words for words in dict.fromkeys(sentences) if words not in self._known]
        if fresh:
            for chunk in _chunks(fresh):
                self._known.update(zip(chunk, self._find(chunk), strict=True))
        return [self._known[words] for words in sentences]

    def remembered(self) -> int:
        """Return how many sentences' cues are remembered."""
        return len(self._known)

    def _find(self, sentences: Sequence[Words]) -> list[list[CueHit]]:
        starts, owner = _joined(sentences)
        doc = self._doc(sentences, set(starts))
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

    def _doc(self, sentences: Sequence[Words], sentence_starts: Collection[int]) -> Doc:
        words = [word for sentence in sentences for word in (*sentence, _BETWEEN)]
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
        group = by_literal.setdefault(" ".join(words_of(cue.literal)), [])
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
