"""JSON lines: the API's request shape, nested or flat, a report a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archives.columns import FIELDS, Columns, Mapping, recognise
from archives.encodings import text_lines
from archives.errors import ColumnsError
from archives.model import MAX_FIELD_CHARS, Entry, Refusal
from archives.rows import RowValues, join_parts, row_entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archives.files import ArchiveFile

_NESTED = {
    "patient": {
        "id": "patient_id", "age_years": "age_years", "sex": "sex", "pregnancy": "pregnancy",
        "birth_date": "birth_date",
    },
    "study": {
        "modality": "modality", "description": "description", "date": "date",
        "accession": "accession",
    },
}  # fmt: skip


def read_jsonl(file: ArchiveFile, mapping: Mapping) -> Iterator[Entry]:
    """Yield the lines of a JSON lines file; blank lines are no rows."""
    for number, line in enumerate(text_lines(file), start=1):
        if line.strip():
            yield parse_line(line, mapping, path=file.name, line=number)


def parse_line(text: str, mapping: Mapping, *, path: str, line: int) -> Entry:
    """Return the report of one line, or the reason why it is none."""
    if len(text) > MAX_FIELD_CHARS:
        reason = f"The line is longer than {MAX_FIELD_CHARS:,} characters."
        return Refusal(path, line, "line_too_long", reason)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return Refusal(path, line, "not_json", "The line is not JSON.")
    return value_entry(value, mapping, path=path, line=line)


def value_entry(value: Any, mapping: Mapping, *, path: str, line: int) -> Entry:
    """Return the report of one JSON value, or the reason why it is none."""
    if not isinstance(value, dict):
        return Refusal(path, line, "not_an_object", "The row is not a JSON object.")
    flat = _flatten(value)
    try:
        columns = recognise(list(flat), mapping)
    except ColumnsError:
        return Refusal(path, line, "no_text", "The row has no field of report text.")
    return _entry(flat, columns, mapping, path=path, line=line)


def _entry(
    flat: dict[str, Any], columns: Columns, mapping: Mapping, *, path: str, line: int
) -> Entry:
    parts = [(name, flat[name]) for name in columns.text]
    if not all(isinstance(text, str) for _, text in parts if text is not None):
        return Refusal(path, line, "text_not_a_string", "The report text is not a string.")
    text = join_parts([(name, text or "") for name, text in parts])
    raw = {name: _as_text(flat[column]) for name, column in columns.single.items()}
    values = RowValues(raw, day_first=mapping.day_first)
    return row_entry(text, values, path, line=line)


def _flatten(value: dict[str, Any]) -> dict[str, Any]:
    """Lift ``patient`` and ``study`` of the API's shape to our flat field names."""
    flat: dict[str, Any] = {}
    for name, part in value.items():
        if isinstance(part, dict) and name in _NESTED:
            for inner, ours in _NESTED[name].items():
                if part.get(inner) is not None:
                    flat[ours] = part[inner]
    for name, part in value.items():
        if not isinstance(part, dict | list) or name in FIELDS["text"]:
            flat.setdefault(name, part)
    return flat


def _as_text(value: Any) -> str:
    """Write a scalar as a table would hold it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""
