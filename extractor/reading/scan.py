"""All terms of a report, found in one pass and sorted by what they stand for."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from extractor.reading.compiled import CompiledPatterns
    from extractor.text.document import Document


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
        self._by_key: dict[str, list[Hit]] = defaultdict(list)
        words, sentence_of = document.tokens.words, document.sentence_of
        by_kind, by_key = self._by_kind, self._by_key
        for start, end, meanings in compiled.term_finder.find(document.tokens.lower):
            sentence = sentence_of[start]
            if sentence < 0 or sentence != sentence_of[end - 1]:
                continue
            for key, kind, value, forms in meanings:
                if forms is not None and " ".join(words[start:end]) not in forms:
                    continue
                hit = Hit(start, end, value)
                by_key[key].append(hit)
                by_kind[kind].append(hit)

    def kind(self, kind: str) -> list[Hit]:
        """Return the hits of a kind, for example every ``side``."""
        return self._by_kind.get(kind, [])

    def between(self, key: str, start: int, end: int) -> list[Hit]:
        """Return the hits of one key that begin in a token range."""
        hits = self.key(key)
        return hits[bisect_left(hits, start, key=_start) : bisect_left(hits, end, key=_start)]

    def by_sentence(self, kind: str) -> dict[int, list[Hit]]:
        """Return the hits of a kind by the sentence they are in."""
        grouped: dict[int, list[Hit]] = defaultdict(list)
        for hit in self.kind(kind):
            grouped[self.document.sentence_of[hit.start]].append(hit)
        return grouped

    def steps(self) -> list[str]:
        """Return the keys of the steps of joined phrases that stand in the report."""
        return [key for key in self._by_key if key.startswith("step:")]

    def key(self, key: str) -> list[Hit]:
        """Return the hits of one key, for example ``step:12``."""
        return self._by_key.get(key, [])


def _start(hit: Hit) -> int:
    return hit.start


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
