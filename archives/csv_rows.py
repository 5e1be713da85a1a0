"""The rows of a CSV file, found again after a quote that was never closed.

Such a quote takes the following rows into its field, up to the next quote or the end of the file.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archives.model import MAX_FIELD_CHARS

if TYPE_CHECKING:
    from collections.abc import Iterator

_DELIMITERS = ",;\t|"
_MAX_ROW_CHARS = 2 * MAX_FIELD_CHARS
_SAMPLE_CHARS = 256 * 1024
_LOOK_LIKE_ROWS = 0.8
"""From this share on, swallowed lines of the table's width are rows and not lines of a text."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file separates and quotes."""

    delimiter: str
    backslash: bool = False
    r"""Quotes inside of a field are written ``\"`` (Spark, MySQL) and not doubled."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row and the line that it starts on, counted from 1."""

    line: int
    cells: list[str] | None
    """``None`` where the row could not be read."""
    reason: str = ""


class CsvRows:
    """Reads rows one by one; a row that swallowed others is refused, and these are read."""

    def __init__(self, lines: Iterator[str], dialect: Dialect, *, line: int = 1) -> None:
        self._source = _Feed(lines)
        self._dialect = dialect
        self._reader = self._new_reader()
        self._line = line

    def next_row(self, *, width: int = 0) -> Row | None:
        """Return the next row, ``None`` at the end of the file; the table is so many cells wide."""
        self._source.start_row()
        line = self._line
        try:
            row = Row(line, next(self._reader))
        except StopIteration:
            return None
        except csv.Error as error:
            row = Row(line, None, _reason(error))
            self._reader = self._new_reader()
        if width and (len(self._source.taken) > 1 or self._source.ended):
            row = self._checked(row, width)
        self._line += len(self._source.taken)
        return row

    def _checked(self, row: Row, width: int) -> Row:
        """Refuse a row whose quotes do not close where they should, and give back what is not its.

        Text of several lines is common, and so are quotes in it that nobody doubled: only lines
        that are rows themselves are given back.
        """
        fault = self._fault()
        is_whole = row.cells is not None and len(row.cells) == width
        if fault is None and is_whole:
            return row
        if self._swallowed_rows(width):
            self._source.give_back()
            self._reader = self._new_reader()
            return Row(row.line, None, "A quote is opened and not closed in this row.")
        if fault is not None and "unexpected end" in fault:
            return Row(row.line, None, "The file ends within a quoted field.")
        return row

    def _fault(self) -> str | None:
        """Return what a strict reader says of the row."""
        try:
            for _ in _reader(iter(self._source.taken), self._dialect, strict=True):
                pass
        except csv.Error as error:
            return str(error)
        return None

    def _swallowed_rows(self, width: int) -> bool:
        """Say whether the lines of a row behind its first are rows of the table's width."""
        found = fitting = 0
        try:
            for cells in _reader(iter(self._source.taken[1:]), self._dialect):
                found += bool(cells)
                fitting += len(cells) == width
        except csv.Error:
            found += 1
        return width > 1 and fitting > 0 and fitting >= _LOOK_LIKE_ROWS * found

    def _new_reader(self) -> Iterator[list[str]]:
        return _reader(self._source, self._dialect)


class _Feed:
    """Gives lines to the csv module and remembers those of the row that it is reading."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._waiting: deque[str] = deque()
        self.taken: list[str] = []
        self.ended = False
        """Whether the row that is read now has met the end of the file."""
        self._chars = 0

    def start_row(self) -> None:
        """Forget the lines of the row before."""
        self.taken = []
        self._chars = 0

    def give_back(self) -> None:
        """Read all lines of this row but its first again."""
        self._waiting.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]
        self.ended = False

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        try:
            line = self._waiting.popleft() if self._waiting else next(self._lines)
        except StopIteration:
            self.ended = True
            raise
        self.taken.append(line)
        self._chars += len(line)
        if self._chars > _MAX_ROW_CHARS and len(self.taken) > 1:
            raise csv.Error("field limit")
        return line


def sniff(lines: Iterator[str], kind: str) -> tuple[Dialect, list[str], int]:
    """Return the dialect, the lines that were looked at, and the number of the header's line.

    The delimiter is the one that the header holds most of, the one that Excel's ``sep=`` line
    names, or the tab of a ``.tsv``.
    """
    sample: list[str] = []
    chars = 0
    for line in lines:
        sample.append(line)
        chars += len(line)
        if chars >= _SAMPLE_CHARS:
            break
    header = 1
    named = re.match(r"sep=(.)\s*$", sample[0]) if sample else None
    if named is not None:
        del sample[0]
        header = 2
    first = sample[0] if sample else ""
    delimiter = named[1] if named else "\t" if kind in {".tsv", ".tab"} else _most(first)
    return Dialect(delimiter, _has_backslashes(sample, delimiter)), sample, header


def _most(header: str) -> str:
    counts = {delimiter: header.count(delimiter) for delimiter in _DELIMITERS}
    best = max(counts, key=lambda delimiter: counts[delimiter])
    return best if counts[best] else ","


def _has_backslashes(sample: list[str], delimiter: str) -> bool:
    r"""Say whether quotes are escaped by a backslash: ``\"`` inside of fields, and never ``""``."""
    escaped = doubled = False
    mark = re.escape(delimiter)
    inside = re.compile(rf'\\"(?!\s*(?:{mark}|$))')
    doubles = re.compile(rf'[^{mark}"\\]""[^{mark}"]')
    for line in sample:
        escaped = escaped or inside.search(line) is not None
        doubled = doubled or doubles.search(line) is not None
    return escaped and not doubled


def _reader(lines: Iterator[str], dialect: Dialect, *, strict: bool = False) -> Iterator[list[str]]:
    return csv.reader(
        lines,
        strict=strict,
        delimiter=dialect.delimiter,
        doublequote=True,
        escapechar="\\" if dialect.backslash else None,
    )


def _reason(error: csv.Error) -> str:
    """Say what the csv module refused; its messages never hold a value of the row."""
    if "field limit" in str(error):
        return f"A field is longer than {MAX_FIELD_CHARS:,} characters."
    return "The row is not well-formed CSV."
