"""Typing errors in the words that carry a report's meaning: one letter missing, too many, wrong or swapped.

Only words of seven letters or more are mended, only towards the words that the pattern set lists, and
never a word that the pattern set knows itself (clinical.md 1.1). The offsets stay those of the report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor.text.tokens import Reading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_SHORTEST = 7


class Speller:
    """Mends a word to the one listed word that is an edit away."""

    def __init__(self, words: Iterable[str], known: Collection[str]) -> None:
        self._words = frozenset(words)
        self._known = frozenset(known) | self._words
        self._longest = max(map(len, self._words), default=0) + 1
        self._without: dict[str, set[str]] = {}
        for word in self._words:
            for shorter in _shortened(word):
                self._without.setdefault(shorter, set()).add(word)
        self.reading = Reading(self.mended)
        """By word as it stands in a text, in any case, the word that is read for it."""

    def mended(self, word: str) -> str:
        """Return the lower-case word as it should be read: itself, or the only listed word near to it."""
        if not _SHORTEST <= len(word) <= self._longest or word in self._known:
            return word
        if not word.isalpha():
            return word
        near = set(self._without.get(word, ()))
        for shorter in _shortened(word):
            if shorter in self._words:
                near.add(shorter)
            others = self._without.get(shorter)
            if others:
                near.update(other for other in others if _one_edit(word, other))
        return near.pop() if len(near) == 1 else word


def _shortened(word: str) -> Iterable[str]:
    return (word[:index] + word[index + 1 :] for index in range(len(word)))


def _one_edit(word: str, other: str) -> bool:
    """Whether words of equal length differ in one letter, or in two neighbours that are swapped."""
    if len(word) != len(other):
        return False
    apart = [index for index in range(len(word)) if word[index] != other[index]]
    if len(apart) == 1:
        return True
    first, *rest = apart
    return rest == [first + 1] and word[first] + word[first + 1] == other[first + 1] + other[first]
