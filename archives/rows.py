"""A row of named values, from a table or a JSON line, turned into a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from archives import fields
from archives.model import Entry, Refusal, SourceReport
from archives.surrogates import storable
from extractor.model import Patient, Report, Study

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Mapping as MappingType

_T = TypeVar("_T")


class RowValues:
    """The values of one row by our field names; remembers what it could not read."""

    def __init__(self, raw: MappingType[str, str], *, day_first: bool | None = None) -> None:
        self._raw = raw
        self._day_first = day_first
        self.remarks: list[str] = []

    def text(self, name: str) -> str | None:
        """Return the value as it stands, without blanks around it, ``None`` where empty."""
        return self._raw.get(name, "").strip() or None

    def read(self, name: str, parse: Callable[[str], _T | None]) -> _T | None:
        """Return the parsed value; a value that cannot be parsed becomes a remark."""
        value = self.text(name)
        if value is None:
            return None
        parsed = parse(value)
        if parsed is None:
            self.remarks.append(f"{name}_not_read")
        return parsed

    def date(self, name: str) -> str | None:
        """Return an ISO 8601 date."""
        return self.read(name, lambda value: fields.parse_date(value, day_first=self._day_first))

    def moment(self, name: str) -> str | None:
        """Return an ISO 8601 date and time."""
        return self.read(name, lambda value: fields.parse_moment(value, day_first=self._day_first))


def row_entry(text: str, values: RowValues, path: str, *, line: int) -> Entry:
    """Return the report of one row, or the refusal of a row without any text."""
    if not text.strip():
        return Refusal(path, line, "no_text", "The row has no report text.")
    study_date = values.date("date")
    birth_date = values.date("birth_date")
    age = values.read("age_years", fields.parse_age)
    if age is None and birth_date and study_date:
        age = fields.age_on(birth_date, study_date)
    report = Report(
        text=text,
        report_id=values.text("report_id"),
        patient=Patient(
            id=values.text("patient_id"),
            age_years=age,
            sex=values.read("sex", fields.parse_sex),
            pregnancy=values.read("pregnancy", fields.parse_pregnancy),
        ),
        study=Study(
            modality=values.read("modality", fields.parse_modality),
            description=values.text("description"),
            date=study_date,
            accession=values.text("accession"),
        ),
    )
    issued = values.moment("issued")
    entry = SourceReport(
        report=report,
        path=path,
        line=line,
        source=values.text("source") or "default",
        issued=issued,
        remarks=tuple(values.remarks),
    )
    return storable(entry)


def join_parts(parts: Sequence[tuple[str, str]]) -> str:
    """Return one text from columns of parts, each under its column's name as a heading."""
    if len(parts) == 1:
        return parts[0][1]
    return "\n".join(
        f"{name.strip().replace('_', ' ').upper()}:\n{text.strip()}"
        for name, text in parts
        if text.strip()
    )
