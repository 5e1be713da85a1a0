r"""Words as they stand in a raw text: what a scan that knows no tokens can look for.

A scan over bytes does not cut tokens, mend typing errors or fold white space. These pieces of
patterns allow for all three, and so never miss a word that the reader would see; they may find more.
Regular expressions are in the common part of Python's and Rust's syntax, over lower-cased text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LOWERED_TO_ASCII = ("\u0130", "\u212a")
"""The only characters outside ASCII that hold an ASCII letter once they are lower-cased (a test looks)."""
_APART = "[^a-z0-9]"
"""What may stand beside a token: any sign, and whatever is not ASCII, letter or not."""
_LETTER = r"[a-z\x{80}-\x{10ffff}]"
_ASCII_RUN = re.compile(r"[a-z0-9]+")


def is_word(token: str) -> bool:
    """Whether a token holds letters or digits to look for; a lone sign does not."""
    return _ASCII_RUN.search(token) is not None


def anchor_of(tokens: Sequence[str]) -> str:
    """Return the token of a sequence to look for: its longest word, or a sign where it has no word."""
    return max(tokens, key=lambda token: (is_word(token), len(token), token))


def sequence_pattern(tokens: Sequence[str]) -> str:
    """Return a pattern of tokens in a row, whatever signs, hyphens and white space part them."""
    return f"{_APART}+".join(_plain(token) for token in tokens if is_word(token))


def near_pattern(word: str) -> str:
    """Return a pattern of a word with at most one typing error, as :mod:`extractor.text.spelling` mends them."""
    wrong = (f"{word[:at]}{_LETTER}?{word[at + 1 :]}" for at in range(len(word)))
    more = (f"{word[:at]}{_LETTER}{word[at:]}" for at in range(len(word) + 1))
    return "|".join([word, *wrong, *more, *_swapped(word)])


def whole_words(patterns: Iterable[str]) -> str:
    """Return a pattern of any of the patterns as whole tokens."""
    return f"(?:^|{_APART})(?:{'|'.join(patterns)})(?:{_APART}|$)"


def sign_fragments(sign: str) -> list[str]:
    """Return what stands in the text where a sign is read; dots that lead to a value are a colon."""
    return [sign[0], *(["...."] if sign == ":" else [])]


def _swapped(word: str) -> list[str]:
    return [f"{word[:at]}{word[at + 1]}{word[at]}{word[at + 2 :]}" for at in range(len(word) - 1)]


def _plain(token: str) -> str:
    """Return a pattern of a token; letters outside ASCII are taken for any such, in any number."""
    return r"[^\x00-\x7f]+".join(re.escape(run) for run in re.split(r"[^\x00-\x7f]+", token))
