"""What a client may ask of audits: the arguments of a new one, lists, pages, formats."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from api.cursors import MAX_CHARS
from api.schemas import Schema
from archives import Mapping, MappingError
from audits.model import Focus
from extractor.model import Level
from storage.audit_model import AuditState
from storage.audits import MAX_PAGE


def _mapping(value: str) -> str:
    try:
        Mapping.parse([value])
    except MappingError:
        raise PydanticCustomError("mapping_form", "is no mapping") from None
    return value


FieldMapping = Annotated[str, Field(max_length=500), AfterValidator(_mapping)]
Cursor = Annotated[str, Field(max_length=MAX_CHARS)]
PageSize = Annotated[int, Field(ge=1, le=MAX_PAGE)]
_NEXT = "`next_cursor` of the page before."


class Query(BaseModel):
    """Base of all queries: an unknown parameter is refused, not passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def named(self) -> dict[str, str | None]:
        """Return the filters as text, to bind a cursor to them."""
        named: dict[str, Any] = self.model_dump(mode="json", exclude={"page_size", "cursor"})
        return named


class AuditArgumentsQuery(Query):
    """How an archive is to be read; as the options of `marrow audit`."""

    focus: Focus = Field(
        default=Focus.ALL, description="Which reports are read: those that show a hip, or all."
    )
    map: list[FieldMapping] = Field(
        default=[], max_length=50, description="As `text=report_body`: which column holds what."
    )
    day_first: bool | None = Field(
        default=None, description="How 03/04/2021 is read; without it such a date is not read."
    )

    since: date | None = Field(
        default=None,
        description="Leave out examinations before this day; those without a date stay.",
    )
    until: date | None = Field(
        default=None,
        description="Leave out examinations after this day; those without a date stay.",
    )

    def arguments(self) -> dict[str, Any]:
        """Return them as they are stored."""
        return {
            "focus": self.focus.value,
            "map": self.map,
            "day_first": self.day_first,
            "since": None if self.since is None else self.since.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
        }


class AuditSource(Schema):
    """An archive that is not the body: it lies where the workers can read it, or was uploaded."""

    source: Annotated[str, Field(min_length=1, max_length=4_000)] | None = Field(
        default=None,
        description="`file:///path` of a file or folder below a root that the operator allows.",
    )
    upload: Annotated[str, Field(pattern=r"^upl_[0-9a-z]{26}$")] | None = Field(
        default=None, description="Instead: the id of an upload that has arrived whole."
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.source is None) == (self.upload is None):
            raise PydanticCustomError("one_archive", "names no archive, or two")
        return self


SOURCE: TypeAdapter[AuditSource] = TypeAdapter(AuditSource)


class AuditsQuery(Query):
    """Filters and place of the list of audits."""

    state: (
        Literal["queued", "planning", "extracting", "finishing", "done", "failed", "cancelled"]
        | None
    ) = None
    page_size: PageSize = 50
    cursor: Cursor | None = Field(default=None, description=_NEXT)

    def wanted(self) -> AuditState | None:
        """Return the state to list."""
        return None if self.state is None else AuditState(self.state)


class RowFormat(StrEnum):
    """JSON in pages, or the whole file."""

    JSON = "json"
    CSV = "csv"


class FailuresQuery(Query):
    """Place in the list of failures."""

    format: RowFormat = RowFormat.JSON
    page_size: PageSize = 100
    cursor: Cursor | None = Field(default=None, description=_NEXT)


class CaseOrder(StrEnum):
    """The order of a list of cases."""

    STRONGEST = "strongest"
    STUDY_NEWEST = "study_newest"
    STUDY_OLDEST = "study_oldest"


class CasesQuery(FailuresQuery):
    """Filters, order and place of the list of cases; with `format=csv` it is the whole file."""

    level: Level | None = None
    side: Literal["left", "right", "unspecified"] | None = None
    sex: Literal["F", "M"] | None = None
    modality: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    sort: CaseOrder = Field(
        default=CaseOrder.STRONGEST, description="Those without a date of study come last."
    )

    def chosen(self) -> dict[str, str | None]:
        """Return the values that the rows must have, by column."""
        return self.model_dump(mode="json", include=set(CASE_FACETS))


CASE_FACETS = ("level", "side", "sex", "modality")
"""Columns of the cases that lists are filtered and counted by."""


class TableName(StrEnum):
    """The tables of an audit."""

    ASSESSMENTS = "assessments"
    MENTIONS = "mentions"
    PATIENTS = "patients"


class OutputFile(StrEnum):
    """The output files, as `marrow audit` names them."""

    ASSESSMENTS = "assessments.parquet"
    MENTIONS = "mentions.parquet"
    PATIENTS = "patients.parquet"
    CASES = "cases.csv"
    FAILURES = "failures.csv"
    SUMMARY = "summary.json"
    METADATA = "metadata.json"
    REPORT = "report.html"


class TableFormat(StrEnum):
    """What a table can be had as."""

    PARQUET = "parquet"
    CSV = "csv"
    NDJSON = "ndjson"


class ResultsQuery(Query):
    """Which table, and as what."""

    table: TableName = TableName.ASSESSMENTS
    format: TableFormat = TableFormat.PARQUET


PARAMETERS = frozenset(
    name
    for query in (AuditArgumentsQuery, AuditsQuery, CasesQuery, ResultsQuery)
    for name in query.model_fields
)
"""Every query parameter of audits, to suggest one for a misspelt name."""
