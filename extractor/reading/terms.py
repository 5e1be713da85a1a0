"""All terms of a text in one pass, whatever their number: a tree of words.

Each word of a text is looked up among the first words of all terms; from there the tree is followed
word by word as far as it goes. A term is found as whole tokens by construction, and what it stands
for is sorted when the tree is made, not when a text is read. See ``docs/decisions/0010``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from extractor.text.tokens import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_BY_KEY_ALONE = frozenset({"step", "with", "next", "before", "after", "needs"})
"""Kinds of terms that are asked for by their whole key."""


class Term(NamedTuple):
    """A literal word sequence to find, and what it stands for."""

    literal: str
    key: str


class Meanings(NamedTuple):
    """What a term stands for: ``site:3`` is of the kind ``site`` and has the value ``3``."""

    keys: tuple[str, ...]
    kinds: tuple[tuple[str, str], ...]
    """Kind and value of those that are asked for by kind."""
    by_form: Mapping[str, Meanings] | None = None
    """What it stands for in each way of writing it that is told apart, capitals and all.

    In any other way it stands for the rest alone.
    """


TermHit = tuple[int, int, Meanings]
"""A term found: half-open token indices, and all that it stands for."""


class _Node:
    """A place in the tree: what ends here, and how it goes on."""

    __slots__ = ("following", "meanings")

    def __init__(self) -> None:
        self.meanings: Meanings | None = None
        self.following: dict[str, _Node] | None = None

    def grown(self, word: str) -> _Node:
        """Return the place that a word leads to."""
        if self.following is None:
            self.following = {}
        node = self.following.get(word)
        if node is None:
            node = self.following[word] = _Node()
        return node


class TermFinder:
    """Finds terms in lower-cased words."""

    def __init__(self, terms: Iterable[Term], exact_forms: Mapping[str, frozenset[str]]) -> None:
        keys: dict[str, dict[str, None]] = {}
        for literal, key in terms:
            keys.setdefault(" ".join(words_of(literal)), {})[key] = None
        root = _Node()
        words: set[str] = set()
        for literal, known in keys.items():
            node = root
            for word in literal.split(" "):
                words.add(word)
                node = node.grown(word)
            node.meanings = _meanings(tuple(known), exact_forms)
        self.words = frozenset(words)
        """Every word of every term."""
        self._first = root.following or {}

    def find(self, words: Sequence[str]) -> list[TermHit]:
        """Return every term, overlapping ones too, by where it starts, shorter ones first."""
        found: list[TermHit] = []
        last = len(words)
        for start, begun in enumerate(map(self._first.get, words)):
            if begun is None:
                continue
            node, end = begun, start + 1
            while True:
                if node.meanings is not None:
                    found.append((start, end, node.meanings))
                if node.following is None or end == last:
                    break
                following = node.following.get(words[end])
                if following is None:
                    break
                node, end = following, end + 1
        return found


def _meanings(keys: tuple[str, ...], exact_forms: Mapping[str, frozenset[str]]) -> Meanings:
    told_apart = {form for key in keys for form in exact_forms.get(key, ())}
    by_form = {
        form: _of_keys([key for key in keys if form in exact_forms.get(key, {form})])
        for form in told_apart
    }
    anyhow = _of_keys([key for key in keys if key not in exact_forms])
    return anyhow._replace(by_form=by_form) if by_form else anyhow


def _of_keys(keys: Sequence[str]) -> Meanings:
    parts = [key.partition(":") for key in keys]
    return Meanings(
        tuple(keys), tuple((kind, value) for kind, _, value in parts if kind not in _BY_KEY_ALONE)
    )
