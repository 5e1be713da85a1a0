r"""Words with their offsets: what every pattern is matched against.

A token is a run of letters and digits, a decimal number, a number with its number sign or one
other sign. Hyphens inside words are dropped and white space is folded, so that "low-signal", "low signal" and a hard-wrapped
"low\nsignal" are the same two tokens; the offsets always point into the untouched text.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

_NUMBERED = r"#\d+(?!\w)|# ?[A-Za-z]{0,3}(?:\d{3}|\d{5,})(?!\w)|\d+#(?!\w)"
"""A number sign with what it numbers or weighs ("#12", "# A123", "7#"); four digits apart may be a year."""
_TOKEN = re.compile(_NUMBERED + r"|\d+(?:[.,]\d+)+(?!\w)|[^\W_]+|\.{4,}|[^\w\s]|_+")
_HYPHENS = frozenset("-\u2010\u2011")


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


def tokenise(text: str) -> Tokens:
    """Cut a text into tokens, in linear time."""
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _TOKEN.finditer(text):
        word = match.group()
        start, end = match.span()
        if word in _HYPHENS and _joins_words(text, start, end):
            continue
        words.append(word)
        starts.append(start)
        ends.append(end)
    return Tokens(words, [_folded(word) for word in words], starts, ends)


def words_of(phrase: str) -> list[str]:
    """Return the words of a phrase as text is matched."""
    plain = phrase.replace(" ", "")
    if plain.isascii() and plain.isalpha() and plain.islower():
        return phrase.split()
    return tokenise(phrase).lower


def _folded(word: str) -> str:
    """Return the word as it is matched; dots that lead to a field's value are its colon."""
    return ":" if word.startswith("....") else word.lower()


def _joins_words(text: str, start: int, end: int) -> bool:
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    if before.isdigit() and after.isdigit():
        return False
    return before.isalnum() and (after.isalnum() or after == "/")
