"""Pages of the rows of an audit's CSV files: filtered, counted and in order, however many there are.

The files of a finished audit never change, so what a list is filtered and ordered by is read once
and kept, with the place of each row; a page then reads its own rows and no other.
"""

from __future__ import annotations

import csv
import io
import sys
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice
from typing import Any, BinaryIO

from archives.write import unguarded

_NUMBERS = frozenset({"case", "age_years", "reports", "line", "row"})
"""Columns that hold whole numbers."""
_BOM = "\ufeff"

Key = tuple[str, Callable[[Any], Any]]
"""A column, and what its values are put in order by; the order of the file decides between equal ones."""


@dataclass(frozen=True, slots=True)
class Listing:
    """How the rows of a kind of file are listed."""

    facets: tuple[str, ...] = ()
    """Columns that rows are filtered and counted by."""
    orders: Mapping[str, Key] = field(default_factory=dict)
    """By name, besides the order of the file, which has no name here."""


@dataclass(frozen=True, slots=True)
class RowPage:
    """Some rows of a file, in order."""

    rows: list[dict[str, Any]]
    next_after: int | None
    """Give it as ``after`` for the next page; ``None`` on the last one."""


class RowIndex:
    """Where each row of a file begins, and which rows have which values, in each order."""

    def __init__(self, stream: BinaryIO, listing: Listing) -> None:
        """Read the file once, from its beginning."""
        self._listing = listing
        self._starts = array("q")
        self._values: list[tuple[str | None, ...]] = []
        rows = _records(stream)
        _, self._columns = next(rows, (0, []))
        facets = [self._columns.index(name) for name in listing.facets]
        keys = [
            (self._columns.index(column), column, key) for column, key in listing.orders.values()
        ]
        wanted: dict[str, list[Any]] = {name: [] for name in listing.orders}
        for start, cells in rows:
            self._starts.append(start)
            self._values.append(tuple(sys.intern(cells[at]) or None for at in facets))
            for found, (at, column, key) in zip(wanted.values(), keys, strict=True):
                found.append(key(_value(column, cells[at])))
        self._starts.append(stream.tell())
        every = range(len(self._values))
        self._orders: dict[str | None, Sequence[int]] = {None: every}
        for name, keys in wanted.items():
            self._orders[name] = array("q", sorted(every, key=keys.__getitem__))
        self._places = {name: self._by_values(order) for name, order in self._orders.items()}

    def _by_values(self, order: Sequence[int]) -> dict[tuple[str | None, ...], array[int]]:
        """Return the places in an order of the rows that have the same values."""
        places: dict[tuple[str | None, ...], array[int]] = {}
        for place, row in enumerate(order):
            places.setdefault(self._values[row], array("q")).append(place)
        return places

    def page(
        self,
        stream: BinaryIO,
        chosen: Mapping[str, str | None],
        *,
        order: str | None = None,
        after: int = -1,
        limit: int,
    ) -> RowPage:
        """Return the rows that have the chosen values (``None``: any), from a place in an order."""
        kept = [
            places[bisect_right(places, after) :]
            for values, places in self._places[order].items()
            if self._fits(values, chosen)
        ]
        found = list(islice(merge(*kept), limit + 1))
        rows = [self._read(stream, self._orders[order][place]) for place in found[:limit]]
        return RowPage(rows, found[limit - 1] if len(found) > limit else None)

    def counts(self, name: str, chosen: Mapping[str, str | None]) -> Counter[str | None]:
        """Return how many rows each value of a facet would leave, with the other choices kept."""
        others = {**chosen, name: None}
        at = self._listing.facets.index(name)
        counted: Counter[str | None] = Counter()
        for values, places in self._places[None].items():
            if self._fits(values, others):
                counted[values[at]] += len(places)
        return counted

    def total(self, chosen: Mapping[str, str | None]) -> int:
        """Return how many rows have the chosen values."""
        return sum(
            len(places)
            for values, places in self._places[None].items()
            if self._fits(values, chosen)
        )

    def _fits(self, values: tuple[str | None, ...], chosen: Mapping[str, str | None]) -> bool:
        wanted = (chosen.get(name) for name in self._listing.facets)
        return all(one is None or one == value for one, value in zip(wanted, values, strict=True))

    def _read(self, stream: BinaryIO, row: int) -> dict[str, Any]:
        stream.seek(self._starts[row])
        record = stream.read(self._starts[row + 1] - self._starts[row]).decode()
        return _row(self._columns, next(csv.reader(io.StringIO(record, newline=""))))


def _records(stream: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """Yield each record of a CSV file with its place in bytes; a cell may have several lines."""
    place = 0

    def lines() -> Iterator[str]:
        nonlocal place
        for line in stream:
            begins = not place
            place += len(line)
            yield line.decode().removeprefix(_BOM) if begins else line.decode()

    reader = csv.reader(lines())
    start = 0
    # The reader asks for a line only when it needs it, so the place is the record's end.
    for cells in reader:
        yield start, cells
        start = place


def _row(columns: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    """Return the values that were written, by column."""
    return {name: _value(name, cell) for name, cell in zip(columns, cells, strict=True)}


def _value(column: str, cell: str) -> Any:
    """Return what was written: what is empty was none, and a formula loses its guard."""
    value = unguarded(cell) if cell else None
    return int(value) if column in _NUMBERS and value is not None else value
