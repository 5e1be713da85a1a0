"""The gate: a scan of whole columns that proves reports empty before anything reads them.

It is derived from the pattern set and errs on one side only: a report that it holds back provably
names nothing that is asked for; one that it lets through is read, and may still hold nothing. Two
steps, both in Rust over all texts at once: one regular expression for a rare part of each name as
whole tokens, then, in what is left, the names themselves. See ``docs/decisions/0009``.

Imports polars, whose threads do not survive a fork: not part of the package's own names.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import polars as pl

from extractor.model import MAX_TEXT_CHARS
from extractor.text.near import (
    LOWERED_TO_ASCII,
    anchor_of,
    is_word,
    near_pattern,
    sequence_pattern,
    sign_fragments,
    whole_words,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from extractor.extractor import Extractor
    from extractor.reading.scope_words import Words

_NEVER = r"[^\s\S]"
_NOT_BLANK = r"[^\s\x1c-\x1f]"
"""What Python's ``strip`` leaves; the last four are no white space in Rust."""
_SAMPLE = 256
"""Texts by which it is seen which of two words is the rarer one."""


@dataclass(frozen=True)
class Sieve:
    """Lets through every text in which one of some sequences of words may stand.

    ``mended`` are the words that the speller reads in spite of a typing error.
    """

    sequences: frozenset[Words]
    mended: frozenset[str]

    @cached_property
    def is_open(self) -> bool:
        """Whether everything goes through: a word that is mended in ways that have no pattern here."""
        mended = {word for one in self.sequences for word in one} & self.mended
        return not all(word.isascii() and word.isalpha() for word in mended)

    @cached_property
    def _alone(self) -> list[str]:
        """Patterns over lower-cased text of the sequences that are looked for as they stand."""
        return [
            near_pattern(one[0])
            if len(one) == 1 and one[0] in self.mended
            else sequence_pattern(one)
            for one in sorted(self.sequences - self._misspelt)
            if is_word(anchor_of(one))
        ]

    @cached_property
    def _misspelt(self) -> set[Words]:
        """Sequences with a word that may be misspelt among others.

        Two of their words are looked for apart: one pattern of all of them with all their errors
        is more than the engine runs in linear time (it ran for minutes).
        """
        return {one for one in self.sequences if len(one) > 1 and not self.mended.isdisjoint(one)}

    @cached_property
    def _pairs(self) -> list[tuple[str, str]]:
        """Patterns of two words, of which those of one pair both fit where such a sequence stands."""
        pairs = {self._longest_two(one) for one in self._misspelt}
        hubs: dict[frozenset[str], list[str]] = {}
        while pairs:
            counts = Counter(word for pair in pairs for word in pair)
            hub = max(counts, key=lambda word: (counts[word], word))
            mine = {pair for pair in pairs if hub in pair}
            hubs.setdefault(frozenset().union(*mine) - {hub} or frozenset({hub}), []).append(hub)
            pairs -= mine
        return [(self._any_of(ours), self._any_of(others)) for others, ours in hubs.items()]

    def _longest_two(self, sequence: Words) -> frozenset[str]:
        first = anchor_of(sequence)
        others = [word for word in sequence if word != first and is_word(word)]
        return frozenset({first, anchor_of(others or [first])})

    def _any_of(self, words: Iterable[str]) -> str:
        return "|".join(
            near_pattern(word) if word in self.mended else sequence_pattern([word])
            for word in sorted(words)
        )

    def _fits(self, lowered: pl.Series) -> pl.Series:
        """Whether the patterns fit: a part of each sequence in one go, the rest only where that did."""
        pairs = [_rarer_first(pair, lowered.head(_SAMPLE)) for pair in self._pairs]
        wide = whole_words([*self._alone, *(rare for rare, _ in pairs)] or [_NEVER])
        closely = partial(self._fits_closely, pairs=pairs)
        return _refined(lowered, lowered.str.contains(wide), closely)

    def _fits_closely(self, lowered: pl.Series, pairs: list[tuple[str, str]]) -> pl.Series:
        fits = lowered.str.contains(whole_words(self._alone or [_NEVER]))
        for pair in pairs:
            fits |= _refined(lowered, ~fits, partial(_contains_both, words=pair))
        return fits

    @cached_property
    def _signs(self) -> list[str]:
        """What stands in the text for the sequences that hold no word at all."""
        anchors = {anchor_of(one) for one in self.sequences}
        return [piece for one in anchors if not is_word(one) for piece in sign_fragments(one)]

    def passes(self, texts: pl.Series, lowered: pl.Series) -> pl.Series:
        """Return for each text, given as it is and in lower case, whether it may hold a sequence."""
        if self.is_open:
            return pl.repeat(value=True, n=len(texts), eager=True)
        if not self.sequences:
            return pl.repeat(value=False, n=len(texts), eager=True)
        return texts.str.contains_any([*LOWERED_TO_ASCII, *self._signs]) | self._fits(lowered)


@dataclass(frozen=True)
class Gate:
    """Holds back what a pattern set provably finds nothing in; one for a process, cheap to make."""

    scope: Sieve
    """Names of the audited region and of the disease."""
    bare: Sieve
    """Places that mean one of the region where no region is named."""
    regions: frozenset[str]
    """Words that name a region wherever they stand."""
    extractor: Extractor

    @classmethod
    def of(cls, extractor: Extractor) -> Gate:
        """Derive the gate of an extractor's patterns."""
        words, mended = extractor.scope_words, frozenset(extractor.patterns.spelling.words)
        steps = (_rarest([one.sequences for one in steps]) for steps in words.joined)
        return cls(
            scope=Sieve(words.named.sequences.union(*steps), mended),
            bare=Sieve(words.bare.sequences, mended),
            regions=words.regions,
            extractor=extractor,
        )

    def names_scope(self, texts: pl.Series, descriptions: pl.Series) -> pl.Series:
        """Return for each report whether it may name anything of the audited region.

        True wherever :meth:`Extractor.names_scope` is true, or would refuse the text.
        """
        lowered = texts.str.to_lowercase()
        return (
            _is_odd(texts)
            | self._is_told(descriptions)
            | self.scope.passes(texts, lowered)
            | self._means_bare(texts, lowered)
        )

    def _is_told(self, descriptions: pl.Series) -> pl.Series:
        """Whether the description alone names the region: an archive has few of them."""
        told = [one for one in descriptions.drop_nulls().unique() if self._names(one)]
        return descriptions.is_in(told).fill_null(value=False)

    def _names(self, description: str) -> bool:
        return self.extractor.scope_words.named_in("-", description, self.extractor.speller)

    def _means_bare(self, texts: pl.Series, lowered: pl.Series) -> pl.Series:
        """Whether a bare place stands in a text that surely names no region: few name none."""
        if not self.regions:
            return self.bare.passes(texts, lowered)
        beside = r"[\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]"
        named = f"(?:^|{beside})(?:{'|'.join(sorted(self.regions))})(?:{beside}|$)"
        at = (~lowered.str.contains(named)).arg_true()
        return _only(at, self.bare.passes(texts.gather(at), lowered.gather(at)), len(texts))


def _is_odd(texts: pl.Series) -> pl.Series:
    """Whether a text is for the reader to judge: a blank one, or one that it may refuse."""
    return (texts.str.len_bytes() > MAX_TEXT_CHARS) | ~texts.str.contains(_NOT_BLANK)


def _rarer_first(pair: tuple[str, str], sample: pl.Series) -> tuple[str, str]:
    """Return two patterns in the order in which they are tried: which of them fits less is seen at once."""
    one, other = sorted(pair, key=lambda words: sample.str.contains(whole_words([words])).sum())
    return one, other


def _contains_both(lowered: pl.Series, words: tuple[str, str]) -> pl.Series:
    """Whether each of two patterns fits; the second is tried only where the first did."""
    one, other = (whole_words([pattern]) for pattern in words)
    first = lowered.str.contains(one)
    return _refined(lowered, first, lambda some: some.str.contains(other))


def _refined(
    texts: pl.Series, first: pl.Series, then: Callable[[pl.Series], pl.Series]
) -> pl.Series:
    """Return where both hold; the second is asked of those texts only that passed the first."""
    at = first.arg_true()
    return _only(at, then(texts.gather(at)), len(texts))


def _only(at: pl.Series, holds: pl.Series, rows: int) -> pl.Series:
    """Return for so many rows whether something holds that was asked of some of them."""
    return pl.repeat(value=False, n=rows, eager=True).scatter(at.filter(holds), values=True)


def _rarest(steps: Iterable[frozenset[Words]]) -> frozenset[Words]:
    """Return the step whose shortest anchor is longest: the fewest texts hold one of its words."""
    return max(steps, key=lambda step: (min(len(anchor_of(one)) for one in step), -len(step)))
