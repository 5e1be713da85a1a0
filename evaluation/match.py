"""Which predicted mention is which expected one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluation.gold import GoldMention
    from extractor.model import Mention


def match(
    expected: Sequence[GoldMention], predicted: Sequence[Mention]
) -> list[tuple[GoldMention, Mention]]:
    """Pair mentions of the same finding whose words overlap, each at most once.

    The longest overlap is paired first, so that a phrase over a whole sentence does not take the
    place of an exact one. Boundaries are not scored: annotators differ on them and nothing
    depends on them.
    """
    candidates = [
        (
            min(gold.end, found.end) - max(gold.start, found.start),
            gold.start,
            found.start,
            place,
            other,
        )
        for place, gold in enumerate(expected)
        for other, found in enumerate(predicted)
        if gold.finding == found.finding and gold.start < found.end and found.start < gold.end
    ]
    pairs: list[tuple[GoldMention, Mention]] = []
    taken: set[int] = set()
    used: set[int] = set()
    for _, _, _, place, other in sorted(candidates, key=lambda one: (-one[0], *one[1:])):
        if place not in taken and other not in used:
            taken.add(place)
            used.add(other)
            pairs.append((expected[place], predicted[other]))
    return pairs
