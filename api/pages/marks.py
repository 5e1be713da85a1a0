"""From spans over a text, which may overlap in every way, to marks that nest as HTML has to.

Two spans that cross cannot both be one element: the later one is cut where the earlier one ends,
and goes on behind it as a second piece. No character is added, left out or moved.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from extractor.model import Mention


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the text and the mentions that it belongs to."""

    start: int
    end: int
    mentions: tuple[int, ...]
    is_cue: bool = False
    """Whether these are words that changed the mentions, not the mentions' own."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One piece of a span, with what stands in it."""

    span: Span
    is_first: bool
    """Whether the span begins here; the other pieces of a span that was cut do not."""
    children: tuple[Node, ...]


Node: TypeAlias = "Mark | str"


@dataclass(frozen=True, slots=True, order=True)
class _Piece:
    """A span, or what is left of it; in the order in which elements have to open."""

    start: int
    minus_end: int
    number: int
    is_first: bool

    @property
    def end(self) -> int:
        return -self.minus_end


def spans_of(mentions: Iterable[Mention]) -> list[Span]:
    """Return the spans to mark; mentions, or cues, of the very same words share one."""
    found: dict[tuple[int, int, bool], list[int]] = {}
    for mention in mentions:
        found.setdefault((mention.start, mention.end, False), []).append(mention.id)
        for cue in mention.cues:
            found.setdefault((cue.start, cue.end, True), []).append(mention.id)
    return [
        Span(start, end, tuple(dict.fromkeys(ids)), is_cue)
        for (start, end, is_cue), ids in found.items()
    ]


def nest(text: str, spans: Sequence[Span]) -> tuple[Node, ...]:
    """Return the text as strings and marks; a span that lies outside the text is passed over.

    Where two begin together the longer one is outside, and of equals a mention is outside a cue.
    """
    ordered = sorted(spans, key=lambda one: (one.start, -one.end, one.is_cue))
    pieces = [
        _Piece(span.start, -span.end, number, is_first=True)
        for number, span in enumerate(ordered)
        if 0 <= span.start < span.end <= len(text)
    ]
    return _nested(text, ordered, pieces, start=0, end=len(text))


def _nested(
    text: str, spans: Sequence[Span], pieces: list[_Piece], *, start: int, end: int
) -> tuple[Node, ...]:
    """Return what stands from ``start`` to ``end``, where all ``pieces`` lie."""
    nodes: list[Node] = []
    heapq.heapify(pieces)
    at = start
    while pieces:
        outer = heapq.heappop(pieces)
        inside: list[_Piece] = []
        while pieces and pieces[0].start < outer.end:
            inner = heapq.heappop(pieces)
            if inner.end > outer.end:
                rest = _Piece(outer.end, inner.minus_end, inner.number, is_first=False)
                heapq.heappush(pieces, rest)
                inner = _Piece(inner.start, outer.minus_end, inner.number, inner.is_first)
            inside.append(inner)
        if at < outer.start:
            nodes.append(text[at : outer.start])
        children = _nested(text, spans, inside, start=outer.start, end=outer.end)
        nodes.append(Mark(spans[outer.number], outer.is_first, children))
        at = outer.end
    if at < end:
        nodes.append(text[at:end])
    return tuple(nodes)
