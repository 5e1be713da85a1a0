"""CSV and TSV: any of four delimiters, quoted line breaks, mixed encodings, ragged rows."""

from __future__ import annotations

import csv
from itertools import chain
from typing import TYPE_CHECKING

from archives.columns import Columns, Mapping, recognise
from archives.csv_rows import CsvRows, sniff
from archives.encodings import text_lines
from archives.model import MAX_FIELD_CHARS, Entry, Refusal
from archives.rows import RowValues, join_parts, row_entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archives.csv_rows import Row
    from archives.files import ArchiveFile


def read_csv(file: ArchiveFile, mapping: Mapping) -> Iterator[Entry]:
    """Yield the rows of a table with a header line.

    Raises:
        ColumnsError: the header has no column of report text.

    """
    csv.field_size_limit(MAX_FIELD_CHARS)
    source = text_lines(file)
    dialect, sample, header_line = sniff(source, file.kind)
    rows = CsvRows(chain(sample, source), dialect, line=header_line)
    del sample
    first = rows.next_row()
    header = first.cells if first is not None and first.cells is not None else []
    if not any(name.strip() for name in header):
        yield Refusal(file.name, 1, "empty_file", "The file has no header line.")
        return
    columns = recognise(header, mapping)
    while (row := rows.next_row(width=len(header))) is not None:
        if row.cells is None:
            yield Refusal(file.name, row.line, "row_unreadable", row.reason)
        elif row.cells:
            yield _entry(row, row.cells, header, columns, mapping=mapping, file=file)


def _entry(
    row: Row,
    cells: Sequence[str],
    header: Sequence[str],
    columns: Columns,
    *,
    mapping: Mapping,
    file: ArchiveFile,
) -> Entry:
    """Return the report of one row; a row of another width than the header may be shifted."""
    if len(cells) < len(header) or any(cell.strip() for cell in cells[len(header) :]):
        return Refusal(
            file.name,
            row.line,
            "wrong_number_of_columns",
            f"The row has {len(cells)} columns where the header has {len(header)}.",
        )
    named = dict(zip(header, cells, strict=False))
    text = join_parts([(name, named[name]) for name in columns.text])
    raw = {name: named[column] for name, column in columns.single.items()}
    values = RowValues(raw, day_first=mapping.day_first)
    return row_entry(text, values, file.name, line=row.line)
