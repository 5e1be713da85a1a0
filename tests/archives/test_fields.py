from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archives import fields


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2021-03-04", "2021-03-04"),
        ("2021-3-4 08:15", "2021-03-04"),
        ("20210304", "2021-03-04"),
        ("20210304081530.123+0100", "2021-03-04"),
        ("2021/03/04", "2021-03-04"),
        ("4 March 2021", "2021-03-04"),
        ("04-Mar-2021", "2021-03-04"),
        ("25/12/2021", "2021-12-25"),
        ("12/25/2021", "2021-12-25"),
        ("25.12.2021", "2021-12-25"),
        ("03/04/2021", None),
        ("2021-02-30", None),
        ("2021", None),
        ("soon", None),
    ],
)
def test_dates_are_read_only_where_they_are_certain(value: str, expected: str | None) -> None:
    assert fields.parse_date(value) == expected


@given(st.dates(min_value=dt.date(1900, 1, 1)))
def test_every_iso_date_reads_as_itself(day: dt.date) -> None:
    assert fields.parse_date(day.isoformat()) == day.isoformat()
    assert fields.parse_date(day.strftime("%Y%m%d")) == day.isoformat()


@given(st.text())
def test_no_value_makes_a_reader_fail(value: str) -> None:
    for parse in (
        fields.parse_date, fields.parse_moment, fields.parse_age, fields.parse_sex,
        fields.parse_modality, fields.parse_pregnancy,
    ):  # fmt: skip
        parse(value)


@pytest.mark.parametrize(
    ("value", "years"),
    [("47", 47), ("47.0", 47), ("047Y", 47), ("47 years old", 47), ("018M", 1), ("6 weeks", 0),
     ("200", None), ("old", None)],
)  # fmt: skip
def test_ages_are_whole_years(value: str, years: int | None) -> None:
    assert fields.parse_age(value) == years


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("20210304081530", "2021-03-04T08:15:30"),
        ("202103040815", "2021-03-04T08:15:00"),
        ("2021-03-04 8:15", "2021-03-04T08:15:00"),
        ("20210304", "2021-03-04T00:00:00"),
    ],
)
def test_moments_sort_as_text(value: str, moment: str) -> None:
    assert fields.parse_moment(value) == moment
