r"""Words with their offsets: what every pattern is matched against.

A token is a run of letters and digits, a decimal number, a number with its number sign or one
other sign. Hyphens inside words are dropped and white space is folded, so that "low-signal", "low signal" and a hard-wrapped
"low\nsignal" are the same two tokens; the offsets always point into the untouched text.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NUMBERED = r"#\d+(?!\w)|# ?[A-Za-z]{0,3}(?:\d{3}|\d{5,})(?!\w)|\d+#(?!\w)"
"""A number sign with what it numbers or weighs ("#12", "# A123", "7#"); four digits apart may be a year."""
_TOKEN = re.compile("(" + _NUMBERED + r"|\d+(?:[.,]\d+)+(?!\w)|[^\W_]+|\.{4,}|[^\w\s]|_+)")
"""One group, so that a text can be split into what lies between and the tokens, in turn."""
_HYPHENS = frozenset("-\u2010\u2011")
_REMEMBERED = 100_000
"""Words; some 10 MB."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Parallel lists: ``text[starts[i]:ends[i]] == words[i]``."""

    words: list[str]
    lower: list[str]
    starts: list[int]
    ends: list[int]

    def __len__(self) -> int:
        return len(self.words)

    def index_at(self, offset: int) -> int:
        """Return the first token that starts at or after a character offset."""
        return bisect_left(self.starts, offset)


def tokenise(text: str, reading: Mapping[str, str] | None = None) -> Tokens:
    """Cut a text into tokens, in linear time.

    ``reading`` gives the word that is matched for the word that stands in the text; without it,
    that is its lower case.
    """
    pieces = _TOKEN.split(text)
    bounds = list(accumulate(map(len, pieces)))
    words, starts, ends = pieces[1::2], bounds[:-1:2], bounds[1::2]
    if not _HYPHENS.isdisjoint(words):
        kept = [
            index
            for index, word in enumerate(words)
            if word not in _HYPHENS or not _joins_words(text, starts[index], ends[index])
        ]
        words = [words[index] for index in kept]
        starts, ends = [starts[index] for index in kept], [ends[index] for index in kept]
    known = _FOLDED if reading is None else reading
    return Tokens(words, list(map(known.__getitem__, words)), starts, ends)


def words_of(phrase: str) -> list[str]:
    """Return the words of a phrase as text is matched."""
    plain = phrase.replace(" ", "")
    if plain.isascii() and plain.isalpha() and plain.islower():
        return phrase.split()
    return tokenise(phrase).lower


def lowered(text: str) -> str:
    """Return a text in lower case, each character at its place."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    # "\u0130" is two characters in lower case
    return "".join(one if len(one.lower()) > 1 else one.lower() for one in text)


class Reading(dict[str, str]):
    """Remembers for words as they stand in texts the words that are matched for them."""

    def __init__(self, read: Callable[[str], str] = lambda word: word) -> None:
        super().__init__()
        self._read = read
        """What is read for a word in lower case."""

    def __missing__(self, word: str) -> str:
        """Work out a word that is not known yet; dots that lead to a field's value are its colon."""
        if len(self) >= _REMEMBERED:
            self.clear()
        read = ":" if word.startswith("....") else self._read(word.lower())
        self[word] = read = sys.intern(read)
        return read


_FOLDED = Reading()


def _joins_words(text: str, start: int, end: int) -> bool:
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    if before.isdigit() and after.isdigit():
        return False
    return before.isalnum() and (after.isalnum() or after == "/")
