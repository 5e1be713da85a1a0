"""What clients send: strict, closed, and with every limit in the schema.

Strings are kept exactly as they come: nothing is stripped, folded or normalised, because offsets
of the result count in the posted text.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter
from pydantic_core import PydanticCustomError

from extractor import MAX_TEXT_CHARS, Patient, Report, Study
from storage.model import DEFAULT_SOURCE, NewReport

MAX_REPORTS = 1_000
_MAX_AGE_YEARS = 130


def _no_nul(value: str) -> str:
    # PostgreSQL cannot store it in text, and no report is written with it.
    if "\0" in value:
        raise PydanticCustomError("nul_character", "holds NUL")
    return value


def _has_content(value: str) -> str:
    if not value or value.isspace():
        raise PydanticCustomError("text_empty", "is empty")
    return value


def _one_line(value: str) -> str:
    if any(character < " " or character == "\x7f" for character in value):
        raise PydanticCustomError("control_character", "holds control characters")
    return value


def _calendar_date(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("date_form", "is no date") from None
    return value


Text = Annotated[
    str,
    Field(min_length=1, max_length=MAX_TEXT_CHARS),
    AfterValidator(_has_content),
    AfterValidator(_no_nul),
]
Label = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
Line = Annotated[str, Field(max_length=1_000), AfterValidator(_one_line)]
IsoDate = Annotated[
    str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", json_schema_extra={"format": "date"}),
    AfterValidator(_calendar_date),
]  # fmt: skip


class Schema(BaseModel):
    """Base of all that is posted: no coercion, no unknown fields, no input in error messages."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class PatientIn(Schema):
    """What the sender knows of the patient."""

    id: Label | None = Field(default=None, description="Links the reports of one patient.")
    age_years: Annotated[int, Field(ge=0, le=_MAX_AGE_YEARS)] | None = None
    sex: Literal["M", "F"] | None = None
    pregnancy: Literal["pregnant", "postpartum", "none"] | None = None


class StudyIn(Schema):
    """What the sender knows of the examination."""

    modality: Annotated[str, Field(pattern=r"^[A-Z]{1,16}$")] | None = Field(
        default=None, description="A DICOM modality code: MR, CT, CR, DX, NM, PT, US, BMD."
    )
    description: Line | None = None
    date: IsoDate | None = None
    accession: Label | None = Field(
        default=None,
        description="Another text under the same accession of the same source is an amendment.",
    )


class ExtractIn(Schema):
    """One report to read at once, nothing stored."""

    text: Text = Field(description="The report, untouched; offsets of the result count in it.")
    report_id: Label | None = Field(default=None, description="Your own id, given back unchanged.")
    patient: PatientIn = PatientIn()
    study: StudyIn = StudyIn()

    def to_report(self) -> Report:
        """Return what the extractor reads."""
        return Report(
            text=self.text,
            report_id=self.report_id,
            patient=Patient(**self.patient.model_dump()),
            study=Study(**self.study.model_dump()),
        )


class ReportIn(ExtractIn):
    """One report to store and to read."""

    source: Label = Field(
        default=DEFAULT_SOURCE,
        description="The system it comes from; accession numbers are unique within one source.",
    )

    def to_new_report(self) -> NewReport:
        """Return what the database accepts."""
        report = self.to_report()
        return NewReport(
            text=report.text,
            source=self.source,
            report_id=report.report_id,
            patient=report.patient,
            study=report.study,
        )


class ReportsIn(Schema):
    """Up to 1,000 reports, accepted all together or not at all."""

    reports: Annotated[list[ReportIn], Field(min_length=1, max_length=MAX_REPORTS)]


ONE, MANY = "one", "many"


def _kind(body: Any) -> str:
    return MANY if isinstance(body, dict) and "reports" in body else ONE


Submission = Annotated[
    Annotated[ReportIn, Tag(ONE)] | Annotated[ReportsIn, Tag(MANY)], Discriminator(_kind)
]
"""The body of ``POST /v1/reports``: by the member ``reports`` it is many, else one."""

SUBMISSION: TypeAdapter[ReportIn | ReportsIn] = TypeAdapter(Submission)
EXTRACT: TypeAdapter[ExtractIn] = TypeAdapter(ExtractIn)

FIELDS = frozenset(
    name for schema in (PatientIn, StudyIn, ReportIn, ReportsIn) for name in schema.model_fields
)
"""Every field name that a body may have, to suggest one for a misspelt name."""
