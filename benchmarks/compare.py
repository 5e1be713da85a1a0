"""What the pipelines find in the labelled reports: found and denied rightly, as precision, recall and F1.

A mention is right if it overlaps a labelled one of the same finding and agrees whether it is denied.
Every pipeline is held to this alone, which is all that the smallest of them can say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from benchmarks.reading import Found


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the mentions of one pipeline agree with the labels."""

    precision: float
    recall: float
    f1: float


def agreement(
    found: Iterable[Found], labelled: Iterable[Found], findings: Collection[str]
) -> Agreement:
    """Compare what was found in each report with its labels."""
    right = said = wanted = 0
    for ours, theirs in zip(found, labelled, strict=True):
        told = [one for one in ours if one[0] in findings]
        asked = [one for one in theirs if one[0] in findings]
        right += _right(told, asked)
        said += len(told)
        wanted += len(asked)
    precision, recall = right / max(said, 1), right / max(wanted, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return Agreement(round(precision, 3), round(recall, 3), round(f1, 3))


def _right(told: Sequence[tuple[str, int, int, bool]], labels: Found) -> int:
    """Return how many labels are met, each by a mention of its own."""
    left = list(told)
    count = 0
    for finding, start, end, denied in labels:
        fits = [
            one
            for one in left
            if one[0] == finding and one[1] < end and start < one[2] and one[3] == denied
        ]
        if fits:
            left.remove(fits[0])
            count += 1
    return count
