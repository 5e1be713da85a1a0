"""Counts of hits and errors, and precision, recall and F1 with bootstrap intervals."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterable

RESAMPLES = 1000
SEED = 20_261_101
"""Fixed, so that the same predictions have the same intervals."""

Floats = npt.NDArray[np.float64]
Key = tuple[str, str]
"""What is scored and which class of it: ``("finding", "effusion")``, ``("status", "negated")``."""


@dataclass(slots=True)
class Tally:
    """Hits and errors of one report for each class: the unit that is resampled."""

    counts: dict[Key, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0]))

    def hit(self, *key: str) -> None:
        """Count a true positive."""
        self.counts[key[0], key[1]][0] += 1

    def false_alarm(self, *key: str) -> None:
        """Count a false positive."""
        self.counts[key[0], key[1]][1] += 1

    def miss(self, *key: str) -> None:
        """Count a false negative."""
        self.counts[key[0], key[1]][2] += 1

    def compare(self, kind: str, expected: str, predicted: str) -> None:
        """Count a choice of one class among several."""
        if expected == predicted:
            self.hit(kind, expected)
        else:
            self.miss(kind, expected)
            self.false_alarm(kind, predicted)

    def compare_flag(self, kind: str, *, expected: bool, predicted: bool) -> None:
        """Count a yes or no; a right no is no hit, as is usual for precision and recall."""
        if expected and predicted:
            self.hit(kind, "yes")
        elif expected:
            self.miss(kind, "yes")
        elif predicted:
            self.false_alarm(kind, "yes")
        else:
            self.counts[kind, "yes"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A proportion and its 95 % bootstrap interval; ``None`` where there is nothing to divide."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """How well one class was found."""

    kind: str
    name: str
    true_positives: int
    false_positives: int
    false_negatives: int
    precision: Measure
    recall: Measure
    f1: Measure


def score(tallies: Iterable[Tally], *, resamples: int = RESAMPLES) -> list[Score]:
    """Return a score for each class of each kind, and one of all classes where there are several.

    The interval is of the percentile bootstrap over reports: mentions of one report are not
    independent of one another.
    """
    units = list(tallies)
    keys = sorted({key for unit in units for key in unit.counts})
    kinds = sorted({kind for kind, _ in keys})
    table = np.zeros((len(units), len(keys), 3))
    for row, unit in enumerate(units):
        for column, key in enumerate(keys):
            if key in unit.counts:
                table[row, column] = unit.counts[key]
    weights = _weights(len(units), resamples)
    scores = []
    for kind in kinds:
        columns = [place for place, key in enumerate(keys) if key[0] == kind]
        if len(columns) > 1:
            scores.append(_score(kind, "all", table[:, columns].sum(axis=1), weights))
        scores += [_score(kind, keys[place][1], table[:, place], weights) for place in columns]
    return scores


def _weights(units: int, resamples: int) -> Floats:
    """Return how often each unit is drawn in each resample."""
    generator = np.random.default_rng(SEED)
    if not units:
        return np.zeros((resamples, 0))
    drawn = generator.multinomial(units, np.full(units, 1 / units), size=resamples)
    return drawn.astype(np.float64)


def _score(kind: str, name: str, counts: Floats, weights: Floats) -> Score:
    hits, false_alarms, misses = (int(number) for number in counts.sum(axis=0))
    drawn = weights @ counts
    precision, recall, f1 = (
        _measure(hits, total, drawn[:, 0], drawn @ np.array(parts))
        for total, parts in (
            (hits + false_alarms, (1, 1, 0)),
            (hits + misses, (1, 0, 1)),
            ((2 * hits + false_alarms + misses) / 2, (1, 0.5, 0.5)),
        )
    )
    return Score(kind, name, hits, false_alarms, misses, precision, recall, f1)


def _measure(hits: int, total: float, drawn_hits: Floats, drawn_totals: Floats) -> Measure:
    if not total:
        return Measure(None, None, None)
    usable = drawn_totals > 0
    values = drawn_hits[usable] / drawn_totals[usable]
    low, high = np.percentile(values, [2.5, 97.5]) if len(values) else (0.0, 1.0)
    return Measure(round(hits / total, 4), round(float(low), 4), round(float(high), 4))
