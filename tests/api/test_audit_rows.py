"""Lists of the rows of a file, held against what is known to be in it."""

from __future__ import annotations

import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.audit_rows import Listing, RowIndex
from api.kept import Kept
from archives.write import write_csv

COLUMNS = ("level", "side", "case", "words")
LISTING = Listing(facets=("level", "side"), orders={"last_first": ("case", lambda case: -case)})
WORDS = st.none() | st.text("ab \r\n\",;=+'\u2028\x0bé\ufeff", min_size=1, max_size=12)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "level": st.sampled_from(["stated", "probable"]),
            "side": st.sampled_from(["left", "right", None]),
            "words": WORDS,
        }
    ),
    max_size=25,
)
CHOICES = st.fixed_dictionaries(
    {
        "level": st.sampled_from([None, "stated", "probable"]),
        "side": st.sampled_from([None, "left", "right"]),
    }
)


def numbered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "case": number} for number, row in enumerate(rows, start=1)]


def written(rows: list[dict[str, Any]]) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        write_csv(rows, COLUMNS, path)
        return path.read_bytes()


def kept(rows: list[dict[str, Any]], chosen: dict[str, str | None]) -> list[dict[str, Any]]:
    return [
        row for row in rows if all(value in {None, row[name]} for name, value in chosen.items())
    ]


def walked(
    index: RowIndex, stream: io.BytesIO, chosen: dict[str, str | None], order: str | None
) -> list[dict[str, Any]]:
    found, after = [], -1
    while True:
        page = index.page(stream, chosen, order=order, after=after, limit=4)
        assert len(page.rows) <= 4
        found += page.rows
        if page.next_after is None:
            return found
        after = page.next_after


@given(ROWS, CHOICES, st.sampled_from([None, "last_first"]))
def test_pages_in_a_row_give_each_row_that_fits_once_as_it_was_written(
    rows: list[dict[str, Any]], chosen: dict[str, str | None], order: str | None
) -> None:
    rows = numbered(rows)
    stream = io.BytesIO(written(rows))
    found = walked(RowIndex(stream, LISTING), stream, chosen, order)
    wanted = kept(rows, chosen)
    assert found == (wanted if order is None else wanted[::-1])


@given(ROWS, CHOICES)
def test_each_value_of_a_facet_says_how_many_rows_it_would_leave(
    rows: list[dict[str, Any]], chosen: dict[str, str | None]
) -> None:
    rows = numbered(rows)
    index = RowIndex(io.BytesIO(written(rows)), LISTING)
    assert index.total(chosen) == len(kept(rows, chosen))
    for side in ("left", "right", None):
        others = kept(rows, {"level": chosen["level"]})
        assert index.counts("side", chosen)[side] == sum(row["side"] == side for row in others)


def test_what_is_kept_is_made_once_until_others_are_asked_for() -> None:
    kept_: Kept[object] = Kept(2)
    first = kept_.of("one", object)
    assert kept_.of("one", object) is first
    kept_.of("two", object)
    kept_.of("one", object)
    kept_.of("three", object)
    assert kept_.of("one", object) is first
    kept_.of("two", object)
    kept_.of("three", object)
    assert kept_.of("one", object) is not first
