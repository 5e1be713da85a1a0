"""Reading the `Prefer` header, and cursors that nobody else can make."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cursors import Cursors
from api.problems import Code, Problem
from api.waiting import preferred_wait_s

FILTERS: dict[str, str | None] = {"source": "a", "level": None}


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ([], None),
        (["wait=5"], 5.0),
        (["respond-async, wait=5"], 5.0),
        (["respond-async", 'Wait = "7"; foo=bar'], 7.0),
        (["wait=0"], 0.0),
        (["wait=86400"], 30.0),
        (["wait=99999999999999999999"], 30.0),
        (["wait=-1"], None),
        (["wait=soon"], None),
        (["wait"], None),
        (["waiting=5"], None),
        (["wait=\u0665"], None),
    ],
)
def test_a_preference_is_read_or_passed_over(headers: list[str], wait_s: float | None) -> None:
    assert preferred_wait_s(headers, longest_s=30) == wait_s


@given(st.text())
def test_no_header_makes_it_fail(header: str) -> None:
    wait_s = preferred_wait_s([header], longest_s=30)
    assert wait_s is None or 0 <= wait_s <= 30


@given(st.binary(min_size=1), st.text())
def test_a_cursor_leads_back_to_where_it_was_made(secret: bytes, after: str) -> None:
    cursors = Cursors(secret)
    assert cursors.read(cursors.make(after, FILTERS), FILTERS) == after


@given(st.text())
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Problem) as refused:
        Cursors(b"secret").read(cursor, FILTERS)
    assert refused.value.code is Code.BAD_CURSOR


def test_a_cursor_of_another_installation_is_refused() -> None:
    with pytest.raises(Problem):
        Cursors(b"one").read(Cursors(b"two").make("rep_1", FILTERS), FILTERS)
