"""Which column of a table holds what: recognised by its name, or mapped by the caller."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archives.errors import ColumnsError, MappingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archives.files import ArchiveFile

FIELDS: dict[str, tuple[str, ...]] = {
    "text": (
        "text", "report_text", "reporttext", "report_body", "report", "body", "narrative",
        "note_text", "full_text", "report_content", "result_text", "rad_report", "dictation",
        "befund", "bericht",
    ),
    "report_id": (
        "report_id", "reportid", "id", "rad_id", "document_id", "note_id", "result_id",
        "report_number", "report_no",
    ),
    "patient_id": (
        "patient_id", "patientid", "patient_identifier", "mrn", "pid", "patient", "subject_id",
        "person_id", "hospital_number", "patient_number", "patient_no", "nhs_number",
    ),
    "age_years": ("age_years", "age", "patient_age", "age_at_exam", "age_at_study", "patientage"),
    "birth_date": (
        "birth_date", "birthdate", "dob", "date_of_birth", "patient_birth_date", "patient_dob",
        "birth_datetime",
    ),
    "sex": (
        "sex", "gender", "patient_sex", "patientsex", "patient_gender", "gender_concept_id",
        "gender_source_value",
    ),
    "pregnancy": ("pregnancy", "pregnant", "pregnancy_status"),
    "modality": ("modality", "mod", "exam_modality", "study_modality"),
    "description": (
        "description", "study_description", "studydescription", "exam_description", "exam",
        "examination", "procedure", "procedure_name", "exam_name", "study", "exam_code",
        "note_title",
    ),
    "date": (
        "date", "study_date", "studydate", "exam_date", "examination_date", "performed_at",
        "date_performed", "scan_date", "study_datetime", "exam_datetime", "note_date",
    ),
    "accession": (
        "accession", "accession_number", "accessionnumber", "accession_no", "acc", "acc_no",
        "order_number", "ris_number",
    ),
    "issued": (
        "issued", "reported_at", "report_date", "reported", "signed_at", "finalised_at",
        "finalized_at", "verified_at", "report_datetime", "updated_at",
        "note_datetime",
    ),
    "source": ("source", "facility", "institution", "hospital", "system", "sending_facility"),
}  # fmt: skip
"""Our names of the fields, and the column names by which each is known."""

PARTS = (
    "indication", "clinical_information", "clinical_history", "history", "technique",
    "comparison", "findings", "impression", "conclusion", "opinion", "recommendation", "addendum",
)  # fmt: skip
"""Columns that are a report in parts where no column holds all of it, in the order of reading."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """What the caller says of the columns; everything else is recognised by name."""

    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Our field, and the columns it is in: several only for ``text`` (parts of a report)."""
    day_first: bool | None = None
    """How 03/04/2021 is read; ``None``: such a date is not read."""
    heard: Callable[[Columns], None] | None = field(default=None, compare=False)
    """Hears of each table which column was taken for what."""
    opened: Callable[[ArchiveFile, str], None] | None = field(default=None, compare=False)
    """Hears of each file that is read, with the name of its format."""

    @classmethod
    def parse(cls, arguments: Sequence[str], *, day_first: bool | None = None) -> Mapping:
        """Read ``field=column`` arguments, ``text=findings+impression`` for parts.

        Raises:
            MappingError: an argument of another shape, or a field that does not exist.

        """
        columns: dict[str, tuple[str, ...]] = {}
        for argument in arguments:
            name, equals, value = argument.partition("=")
            name = name.strip()
            if not equals or not value.strip():
                raise MappingError(f"--map {argument!r} is not of the form field=column.")
            if name not in FIELDS:
                raise MappingError(
                    f"--map {argument!r}: there is no field {name!r}; there are {', '.join(FIELDS)}."
                )
            parts = tuple(part.strip() for part in value.split("+")) if name == "text" else (value,)
            columns[name] = parts
        return cls(columns=columns, day_first=day_first)


@dataclass(frozen=True, slots=True)
class Columns:
    """The column names (as the file writes them) that hold each field of one table."""

    text: tuple[str, ...]
    """One column, or several that are the parts of the report."""
    single: dict[str, str]
    """Every other field that was found, and its column."""


def recognise(header: Sequence[str], mapping: Mapping) -> Columns:
    """Return which column holds what.

    Raises:
        ColumnsError: no column of text, or a mapped column that the table does not have.

    """
    by_key = {_key(name): name for name in reversed(header)}
    found: dict[str, str] = {}
    for name, synonyms in FIELDS.items():
        if name in mapping.columns:
            continue
        match = next((by_key[key] for key in synonyms if key in by_key), None)
        if match is not None:
            found[name] = match
    for name, wanted in mapping.columns.items():
        missing = [
            column for column in wanted if column not in header and _key(column) not in by_key
        ]
        if missing:
            raise ColumnsError(
                f"There is no column {missing[0]!r} to map to {name}. {_told(header, by_key)}"
            )
        if name != "text":
            found[name] = wanted[0] if wanted[0] in header else by_key[_key(wanted[0])]
    columns = Columns(
        text=_text_columns(header, by_key, found.pop("text", None), mapping), single=found
    )
    if mapping.heard is not None:
        mapping.heard(columns)
    return columns


def _text_columns(
    header: Sequence[str], by_key: dict[str, str], recognised: str | None, mapping: Mapping
) -> tuple[str, ...]:
    """Return the column or columns of the report's text."""
    if "text" in mapping.columns:
        wanted = mapping.columns["text"]
        return tuple(column if column in header else by_key[_key(column)] for column in wanted)
    if recognised is not None:
        return (recognised,)
    parts = tuple(by_key[part] for part in PARTS if part in by_key)
    if not parts:
        raise ColumnsError(
            "No column of report text was recognised; name it with --map text=COLUMN. "
            f"{_told(header, by_key)}"
        )
    return parts


def _told(header: Sequence[str], by_key: dict[str, str]) -> str:
    """Return what may be said of a first line: its names, or no more than that it may be no header.

    Where no name is known it may be the first report of a table without a header, whose words and
    names must stand in no message.
    """
    known = {synonym for synonyms in FIELDS.values() for synonym in synonyms}.union(PARTS)
    if known.isdisjoint(by_key):
        return (
            f"None of the {len(header)} names in the first line is known: a table needs a line of "
            "column names above its rows, and this may be a row."
        )
    return f"The columns are: {', '.join(header)}."


def _key(name: str) -> str:
    """Fold a column name: ``Accession Number`` and ``AccessionNumber`` are both known."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip().lstrip("\ufeff"))
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
