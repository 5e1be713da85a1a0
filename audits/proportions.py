"""Shares with their uncertainty, and the agreement of two readers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Proportion:
    """So many of so many, and the Wilson interval of the share (0 to 1); without any, all is possible."""

    hits: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        """The share; ``None`` of nothing."""
        return self.hits / self.of if self.of else None


def wilson(hits: int, of: int, *, confidence: float = CONFIDENCE) -> Proportion:
    """Return a proportion with its score interval (Wilson 1927), which holds for few and for none.

    Raises:
        ValueError: more hits than there are, or fewer than none.

    """
    if not 0 <= hits <= of:
        raise ValueError(f"{hits} of {of} is no proportion")
    if not of:
        return Proportion(0, 0, 0.0, 1.0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = hits / of
    shrunk = 1 + z * z / of
    centre = (share + z * z / (2 * of)) / shrunk
    half = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / shrunk
    # the interval of none begins at none, and of all ends at all, whatever the rounding says
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == of else min(1.0, centre + half)
    return Proportion(hits, of, low, high)


def needed_for_width(share: float, width: float, *, confidence: float = CONFIDENCE) -> int:
    """Return how many have to be looked at for an interval no wider than ``width`` around a share.

    Raises:
        ValueError: a width that no number reaches.

    """
    if not 0 < width < 1:
        raise ValueError("a width lies between 0 and 1")
    number = 1
    while True:
        one = wilson(round(share * number), number, confidence=confidence)
        if one.high - one.low <= width:
            return number
        number += max(1, number // 50)


def cohens_kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    """Return how far two readers agree beyond chance (Cohen 1960), 1 at most.

    ``None`` where there is nothing to compare, or both gave one and the same answer throughout:
    chance alone would then explain all.

    Raises:
        ValueError: they did not judge the same things.

    """
    if len(first) != len(second):
        raise ValueError("two readers of the same things give as many answers")
    if not first:
        return None
    observed = sum(one == other for one, other in zip(first, second, strict=True)) / len(first)
    ours, theirs = Counter(first), Counter(second)
    expected = sum(ours[answer] * theirs[answer] for answer in ours) / len(first) ** 2
    return None if expected == 1 else (observed - expected) / (1 - expected)
