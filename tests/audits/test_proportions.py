"""Intervals against published values, and the agreement of two readers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.proportions import cohens_kappa, needed_for_width, wilson


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 1998, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_that_of_the_literature(
    hits: int, of: int, low: float, high: float
) -> None:
    one = wilson(hits, of)
    assert (round(one.low, 4), round(one.high, 4)) == (low, high)


@given(st.integers(1, 5_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_interval_holds_the_share_and_stays_within_all_and_none(pair: tuple[int, int]) -> None:
    one = wilson(*pair)
    assert 0 <= one.low <= pair[0] / pair[1] <= one.high <= 1


def test_nothing_reviewed_says_nothing() -> None:
    one = wilson(0, 0)
    assert (one.value, one.low, one.high) == (None, 0, 1)


def test_more_hits_than_things_are_refused() -> None:
    with pytest.raises(ValueError, match="no proportion"):
        wilson(3, 2)


@given(st.floats(0, 1), st.sampled_from([0.05, 0.1, 0.3]))
def test_the_number_needed_gives_an_interval_of_that_width(share: float, width: float) -> None:
    number = needed_for_width(share, width)
    one = wilson(round(share * number), number)
    assert one.high - one.low <= width


def test_kappa_of_a_known_table() -> None:
    # 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: observed 0.7, by chance 0.5
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohens_kappa(first, second) == pytest.approx(0.4)


def test_kappa_is_unknown_where_chance_explains_all() -> None:
    assert cohens_kappa(["no", "no"], ["no", "no"]) is None
    assert cohens_kappa([], []) is None


def test_kappa_needs_the_same_things_judged() -> None:
    with pytest.raises(ValueError, match="as many"):
        cohens_kappa(["no"], [])
