"""medspaCy behind one thin door: ConText over tokens of our own.

Only this module imports medspaCy, and spaCy with it; no object of theirs leaves it. Known faults that it
closes: medspaCy sets ``warnings.filterwarnings("ignore")`` for the whole process when it is
imported; its dependency PyRuSH, which logs every token of the text, is left out altogether; and
spaCy's logger prints its messages, which may quote what is read, with a handler of its own.
Its rules, modifiers and graph are the algorithm; they need no spaCy ``Doc`` of the sentence.
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass

from extractor.left_out import without_unused_parts

with warnings.catch_warnings(), without_unused_parts():
    from medspacy.common.util import prune_overlapping_matches
    from medspacy.context import ConTextRule
    from medspacy.context.context_graph import ConTextGraph
    from medspacy.context.context_modifier import ConTextModifier
from typing import TYPE_CHECKING, Any

from extractor.errors import PatternError
from extractor.reading.terms import Term, TermFinder
from extractor.text.tokens import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Nothing: not even to standard error, as Python does where nobody handles a message.
logging.getLogger("spacy").handlers = [logging.NullHandler()]

Words = tuple[str, ...]
_REMEMBERED = 50_000
"""Sentences whose cues are remembered; some 10 MB."""
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


class CueFinder:
    """Finds cues and their scopes in tokenised text."""

    def __init__(self, cues: Iterable[CuePhrase]) -> None:
        self._rules = {rule.literal: rule for rule in _context_rules(cues)}
        self._finder = TermFinder([Term(literal, literal) for literal in self._rules], {})
        self._known: dict[Words, list[CueHit]] = {}

    def find(self, sentences: Sequence[Words]) -> list[list[CueHit]]:
        """Return the cues of each sentence with their scopes, ended by terminators and sentence ends.

        Radiologists repeat their sentences: what has been read lately is remembered.
        """
        known = self._known
        _make_room(known, len(sentences))
        for words in sentences:
            if words not in known:
                known[words] = self._find(words)
        return [known[words] for words in sentences]

    def remembered(self) -> int:
        """Return how many sentences' cues are remembered."""
        return len(self._known)

    def _find(self, words: Words) -> list[CueHit]:
        """Return the cues of one sentence as medspaCy's ConText component gives them for a ``Doc``.

        Which mentions they govern is decided by our own rules, so it is given no targets.
        """
        matches = [(meant.keys[0], start, end) for start, end, meant in self._finder.find(words)]
        if not matches:
            return []
        last = len(words)
        modifiers = [
            _modifier(self._rules[literal], start, end, last)
            for literal, start, end in prune_overlapping_matches(matches)
        ]
        if len(modifiers) > 1:
            ConTextGraph(modifiers=modifiers).update_scopes()
        found = []
        for modifier in modifiers:
            start, end = modifier.modifier_span
            scope_start, scope_end = modifier.scope_span
            found += [
                CueHit(rule, start, end, min(scope_start, last), min(scope_end, last))
                for rule in modifier.rule.metadata["rules"]
            ]
        return found


def _modifier(rule: ConTextRule, start: int, end: int, last: int) -> ConTextModifier:
    """Return a cue in a sentence of so many words, with the scope that medspaCy reads off a ``Doc``.

    A sentence ends one word behind its last, so that a cue that is the last one has a scope too.
    """
    scope_start = end if rule.direction == "FORWARD" else 0
    scope_end = start if rule.direction == "BACKWARD" else last + 1
    return ConTextModifier(rule, start, end, None, scope_start, scope_end)


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
