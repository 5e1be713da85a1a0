"""All terms of a report, found in one pass and sorted by what they stand for."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, KeysView, Sequence

    from extractor.reading.compiled import CompiledPatterns
    from extractor.text.document import Document


_make = tuple.__new__
"""Makes a hit as the tuple that it is: there are hundreds in a report."""
Range = tuple[int, int]
"""Half-open token indices of a term."""


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
        self._by_key: dict[str, list[Range]] = defaultdict(list)
        self._by_sentence: dict[str, dict[int, list[Hit]]] = {}
        by_kind, by_key = self._by_kind, self._by_key
        words, sentence_of = document.tokens.words, document.sentence_of
        for start, end, meanings in compiled.term_finder.find(document.tokens.lower):
            sentence = sentence_of[start]
            if sentence < 0 or sentence != sentence_of[end - 1]:
                continue
            keys, kinds, by_form = meanings
            if by_form is not None:
                form = " ".join(words[start:end])
                keys, kinds, _ = by_form.get(form, meanings)
            term = (start, end)
            for key in keys:
                by_key[key].append(term)
            for kind, value in kinds:
                by_kind[kind].append(_make(Hit, (start, end, value)))

    def kind(self, kind: str) -> list[Hit]:
        """Return the hits of a kind, for example every ``side``."""
        return self._by_kind.get(kind, [])

    def between(self, key: str, start: int, end: int) -> Sequence[Range]:
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

    def key(self, key: str) -> Sequence[Range]:
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
