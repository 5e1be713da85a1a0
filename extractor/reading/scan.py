"""All terms of a report, found in one pass and sorted by what they stand for."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, KeysView, Sequence

    from extractor.reading.compiled import CompiledPatterns
    from extractor.reading.terms import TermHit
    from extractor.text.document import Document


_make = tuple.__new__
"""Makes a hit as the tuple that it is: there are hundreds in a report."""
_BY_KEY_ALONE = frozenset({"step", "with", "next", "before", "after", "needs"})
"""Kinds of terms that are asked for by their whole key."""


class Hit(NamedTuple):
    """A term at a half-open token range; ``value`` is what follows the colon in its key."""

    start: int
    end: int
    value: str


class Scan:
    """The hits of one report by kind, in text order; none reaches across the end of a sentence."""

    def __init__(self, document: Document, compiled: CompiledPatterns) -> None:
        self.document = document
        self.compiled = compiled
        self._by_kind: dict[str, list[Hit]] = defaultdict(list)
        self._by_key: dict[str, list[TermHit]] = defaultdict(list)
        self._by_sentence: dict[str, dict[int, list[Hit]]] = {}
        by_kind, by_key = self._by_kind, self._by_key
        words, sentence_of = document.tokens.words, document.sentence_of
        for term in compiled.term_finder.find(document.tokens.lower):
            start, end, meanings = term
            sentence = sentence_of[start]
            if sentence < 0 or sentence != sentence_of[end - 1]:
                continue
            for key, kind, value, forms in meanings:
                if forms is not None and " ".join(words[start:end]) not in forms:
                    continue
                by_key[key].append(term)
                if kind not in _BY_KEY_ALONE:
                    by_kind[kind].append(_make(Hit, (start, end, value)))

    def kind(self, kind: str) -> list[Hit]:
        """Return the hits of a kind, for example every ``side``."""
        return self._by_kind.get(kind, [])

    def between(self, key: str, start: int, end: int) -> Sequence[TermHit]:
        """Return the hits of one key that begin in a token range."""
        hits = self._by_key.get(key)
        if not hits:
            return ()
        # a tuple of one stands before every hit that begins with the same number
        return hits[bisect_left(hits, (start,)) : bisect_left(hits, (end,))]

    def by_sentence(self, kind: str) -> dict[int, list[Hit]]:
        """Return the hits of a kind by the sentence they are in."""
        grouped = self._by_sentence.get(kind)
        if grouped is None:
            grouped = self._by_sentence[kind] = {}
            for hit in self.kind(kind):
                grouped.setdefault(self.document.sentence_of[hit.start], []).append(hit)
        return grouped

    def keys(self) -> KeysView[str]:
        """Return the keys of all terms that stand in the report."""
        return self._by_key.keys()

    def key(self, key: str) -> Sequence[TermHit]:
        """Return the hits of one key, for example ``step:12``."""
        return self._by_key.get(key, ())


def longest(hits: Iterable[Hit]) -> list[Hit]:
    """Return the hits that no longer one overlaps, in text order."""
    taken = Taken()
    kept = [
        hit
        for hit in sorted(hits, key=lambda hit: (hit.start - hit.end, hit.start))
        if taken.take(hit.start, hit.end)
    ]
    return sorted(kept, key=lambda hit: hit.start)


class Taken:
    """Which tokens are spoken for."""

    def __init__(self) -> None:
        self._tokens: set[int] = set()

    def take(self, start: int, end: int) -> bool:
        """Take a token range, if none of it is taken yet."""
        wanted = range(start, end)
        if not self._tokens.isdisjoint(wanted):
            return False
        self._tokens.update(wanted)
        return True
