"""All terms of a text in one pass, whatever their number: Aho-Corasick over words.

The automaton reads numbers of words instead of letters, so that a term is found as whole tokens
and its place needs no translation. A pattern set has some 50,000 terms; the time depends on the
length of the text alone. See ``docs/decisions/0010``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import ahocorasick

from extractor.text.tokens import words_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

_make = tuple.__new__
_UNKNOWN = 0
"""Number of every word that stands in no term."""


class Term(NamedTuple):
    """A literal word sequence to find, and what it stands for."""

    literal: str
    key: str


class Meaning(NamedTuple):
    """What a term stands for: ``site:3`` is of the kind ``site`` and has the value ``3``."""

    key: str
    kind: str
    value: str
    forms: frozenset[str] | None
    """The only forms that count, capitals and all; ``None``: any."""


class TermHit(NamedTuple):
    """A term found: half-open token indices, and all that it stands for."""

    start: int
    end: int
    meanings: tuple[Meaning, ...]


class TermFinder:
    """Finds terms in lower-cased words."""

    def __init__(self, terms: Iterable[Term], exact_forms: Mapping[str, frozenset[str]]) -> None:
        self._number: dict[str, int] = {}
        meanings: dict[tuple[int, ...], dict[str, Meaning]] = {}
        for literal, key in terms:
            numbers = tuple(
                [self._number.setdefault(word, len(self._number) + 1) for word in words_of(literal)]
            )
            kind, _, value = key.partition(":")
            meaning = Meaning(key, kind, value, exact_forms.get(key))
            meanings.setdefault(numbers, {}).setdefault(key, meaning)
        self._automaton = ahocorasick.Automaton(ahocorasick.STORE_ANY, ahocorasick.KEY_SEQUENCE)
        for numbers, by_key in meanings.items():
            self._automaton.add_word(numbers, (len(numbers), tuple(by_key.values())))
        self._automaton.make_automaton()
        self._is_empty = not meanings

    @property
    def words(self) -> Collection[str]:
        """Every word of every term."""
        return self._number.keys()

    def find(self, words: Sequence[str]) -> list[TermHit]:
        """Return every term, overlapping ones too, by where it starts, shorter ones first."""
        if self._is_empty:
            return []
        number = self._number.get
        numbers = tuple([number(word, _UNKNOWN) for word in words])
        # made as the tuples they are: a class that is called takes three times as long
        hits = [
            _make(TermHit, (last + 1 - length, last + 1, meanings))
            for last, (length, meanings) in self._automaton.iter(numbers)
        ]
        hits.sort()  # no two have both ends in common
        return hits
