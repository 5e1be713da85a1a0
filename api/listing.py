"""The filters of a list, as query parameters."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.cursors import MAX_CHARS
from extractor.model import Level, Status
from storage.model import ReportFilters, ReportOrder, ReportState
from storage.reports import MAX_PAGE

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class ReportQuery(BaseModel):
    """Filters and place of a list; an unknown parameter is refused, not passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    state: ReportState | None = None
    source: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")] | None = None
    level: Level | None = None
    finding: Name | None = Field(default=None, description="As `marrow_oedema`.")
    status: Status | None = None
    site: Name | None = Field(default=None, description="As `femoral_head`.")
    study_date_from: date | None = None
    study_date_to: date | None = Field(default=None, description="Inclusive.")
    latest_only: bool = Field(default=False, description="Leave out what was amended since.")
    sort: ReportOrder = Field(
        default=ReportOrder.NEWEST,
        description="By when they were accepted, or by the study's date: then reports without one "
        "are left out.",
    )
    page_size: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50
    cursor: Annotated[str, Field(max_length=MAX_CHARS)] | None = Field(
        default=None, description="`next_cursor` of the page before."
    )

    def filters(self) -> ReportFilters:
        """Return the filters for the database."""
        return ReportFilters(**self.model_dump(exclude={"sort", "page_size", "cursor"}))

    def named(self) -> dict[str, str | None]:
        """Return the filters as text, to bind a cursor to them."""
        named: dict[str, str | None] = self.model_dump(mode="json", exclude={"page_size", "cursor"})
        return named


PARAMETERS = frozenset(ReportQuery.model_fields) | {"include"}
"""Every query parameter that a route may have, to suggest one for a misspelt name."""
