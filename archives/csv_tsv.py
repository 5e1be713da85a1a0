"""CSV and TSV: any of four delimiters, quoted line breaks, mixed encodings, ragged rows."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from archives.columns import Columns, Mapping, recognise
from archives.files import ArchiveFile, text_lines
from archives.model import MAX_FIELD_CHARS, Entry, Refusal
from archives.rows import RowValues, join_parts, row_entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DELIMITERS = ",;\t|"


def read_csv(file: ArchiveFile, mapping: Mapping) -> Iterator[Entry]:
    """Yield the rows of a table with a header line.

    Raises:
        ColumnsError: the header has no column of report text.

    """
    csv.field_size_limit(MAX_FIELD_CHARS)
    source = text_lines(file)
    first = next(source, "")
    delimiter = sniff_delimiter(first, file.kind)
    rows = csv.reader(_chain(first, source), delimiter=delimiter)
    header = next(rows, [])
    if not any(name.strip() for name in header):
        yield Refusal(file.name, 1, "empty_file", "The file has no header line.")
        return
    columns = recognise(header, mapping)
    line = rows.line_num + 1
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Refusal(file.name, line, "row_unreadable", _reason(error))
        else:
            if row:
                yield _entry(row, header, columns, mapping=mapping, file=file, line=line)
        line = rows.line_num + 1


def sniff_delimiter(header: str, kind: str) -> str:
    """Return the delimiter that the header line holds most of; a ``.tsv`` has tabs."""
    if kind == ".tsv":
        return "\t"
    counts = {delimiter: header.count(delimiter) for delimiter in _DELIMITERS}
    best = max(counts, key=lambda delimiter: counts[delimiter])
    return best if counts[best] else ","


def _entry(
    row: Sequence[str],
    header: Sequence[str],
    columns: Columns,
    *,
    mapping: Mapping,
    file: ArchiveFile,
    line: int,
) -> Entry:
    """Return the report of one row; a row of another width than the header may be shifted."""
    if len(row) < len(header) or any(cell.strip() for cell in row[len(header) :]):
        return Refusal(
            file.name,
            line,
            "wrong_number_of_columns",
            f"The row has {len(row)} columns where the header has {len(header)}.",
        )
    cells = dict(zip(header, row, strict=False))
    text = join_parts([(name, cells[name]) for name in columns.text])
    raw = {name: cells[column] for name, column in columns.single.items()}
    values = RowValues(raw, day_first=mapping.day_first)
    return row_entry(text, values, file.name, line=line)


def _reason(error: csv.Error) -> str:
    """Say what the csv module refused; its messages never hold a value of the row."""
    if "field limit" in str(error):
        return f"A field is longer than {MAX_FIELD_CHARS:,} characters."
    return "The row is not well-formed CSV."


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest
