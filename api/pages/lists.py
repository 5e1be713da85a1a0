"""Lists of reports on pages: the choices of their filters, with the number that each would leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.pages.queries import address
from api.problems import Problem
from extractor.model import Level, Status
from storage.model import ReportOrder, ReportState

if TYPE_CHECKING:
    from api.listing import ReportQuery
    from api.service import Service

ORDERS = {
    ReportOrder.NEWEST: "accepted last, first",
    ReportOrder.OLDEST: "accepted first, first",
    ReportOrder.STUDY_NEWEST: "latest study first",
    ReportOrder.STUDY_OLDEST: "earliest study first",
}
STATUSES = tuple(str(status) for status in Status)


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter."""

    value: str
    title: str
    number: int
    is_chosen: bool
    path: str
    """The list with this choice, or without it where it is chosen."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The findings and sites that a filter can name, with what people call them."""

    findings: Mapping[str, str]
    sites: Sequence[str]


def choices(path: str, query: ReportQuery, name: str, counts: Mapping[str, int]) -> list[Choice]:
    """Return the values of the filter ``level`` or ``state`` that leave anything or are chosen."""
    order = tuple(map(str, Level if name == "level" else ReportState))
    chosen = getattr(query, name)
    return [
        Choice(
            value=value,
            title=value.replace("_", " "),
            number=counts.get(value, 0),
            is_chosen=value == chosen,
            path=address(path, query, **{name: None if value == chosen else value}),
        )
        for value in order
        if counts.get(value) or value == chosen
    ]


def vocabulary(service: Service) -> Vocabulary:
    """Return what the patterns declare; nothing while they are being loaded."""
    try:
        patterns = service.extraction.extractor.patterns
    except Problem:
        return Vocabulary({}, ())
    findings = {name: finding.title for name, finding in patterns.findings.items()}
    sites = {name for site in patterns.anatomy.sites for name in (site.sites or [site.id])}
    return Vocabulary(findings, sorted(sites))
