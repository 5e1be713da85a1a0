"""What clients get of samples: never a level or a stratum of a report that is yet to be judged."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from api.audit_views import audit_path
from audits.review_file import Decision

if TYPE_CHECKING:
    from storage.samples import JudgedItem, StoredItem, StoredSample


class ReviewerView(BaseModel):
    """How far one reviewer is."""

    reviewer: str = Field(description="As the access log calls him.")
    decided: int


class SampleView(BaseModel):
    """One sample of an audit."""

    id: str
    audit: str
    patterns_digest: str
    seed: int
    items: int
    totals: dict[str, int] = Field(description="How many reports each stratum has.")
    has_texts: bool
    reviewers: list[ReviewerView] = Field(description="Two at most, in the order they began.")
    drawn_by: str
    created_at: datetime


class SampleList(BaseModel):
    """The samples of an audit, newest first."""

    samples: list[SampleView]


class ItemView(BaseModel):
    """A report of a sample as its reviewer sees it: where it stands, not what was found in it."""

    item: str
    number: int = Field(description="Its place in the sample, from 1 on.")
    report_id: str | None
    accession: str | None
    study_date: str | None
    path: str
    line: int
    decision: Decision | None = Field(description="What you have said of it.")


class ItemTextView(ItemView):
    """The same with its words."""

    text: str | None = Field(description="`null` without `text:read`, or where it was not kept.")


class ItemList(BaseModel):
    """All reports of a sample, in the order in which they are judged."""

    items: list[ItemView]


class DisagreementView(BaseModel):
    """A report that two judged differently."""

    item: str
    number: int
    report_id: str | None
    accession: str | None
    study_date: str | None
    path: str
    line: int
    decisions: dict[str, Decision] = Field(description="By reviewer.")
    verdict: Decision | None = Field(description="What was decided between them.")
    verdict_by: str | None


class DisagreementList(BaseModel):
    """All that two judged differently."""

    disagreements: list[DisagreementView]


class ProportionView(BaseModel):
    """So many of so many, with the 95 % Wilson interval."""

    hits: int
    of: int
    value: float | None
    interval: list[float]


class MissedView(BaseModel):
    """Cases that may have been missed in a stratum."""

    reports: int
    found: ProportionView
    estimate: float
    interval: list[float]


class AgreementView(BaseModel):
    """Two reviewers on what both decided."""

    items: int
    kappa: float | None
    disagreements: list[str]
    table: list[list[str | int]]


class ValidationView(BaseModel):
    """How good the search was, as far as the review has come."""

    patterns_digest: str
    reviewed: dict[str, int]
    unclear: dict[str, int]
    ppv: ProportionView
    ppv_if_unclear_is_no_case: ProportionView
    missed: dict[str, MissedView]
    agreement: AgreementView | None
    more_to_review: int = Field(description="Cases, for an interval of the wished width.")
    in_words: list[str]


def sample_path(sample: StoredSample) -> str:
    """Return the path of a sample."""
    return f"{audit_path(sample.audit)}/samples/{sample.id}"


def sample_view(sample: StoredSample) -> dict[str, Any]:
    """Return a :class:`SampleView` as JSON-ready values."""
    names = ("id", "audit", "patterns_digest", "seed", "items", "has_texts", "drawn_by")
    return {name: getattr(sample, name) for name in names} | {
        "totals": dict(sample.totals),
        "reviewers": [
            {"reviewer": reviewer, "decided": number} for reviewer, number in sample.decided.items()
        ],
        "created_at": sample.created_at.isoformat().replace("+00:00", "Z"),
    }


_PLACE = ("item", "number", "report_id", "accession", "study_date", "path", "line")


def item_view(item: StoredItem) -> dict[str, Any]:
    """Return an :class:`ItemView` as JSON-ready values."""
    return {name: getattr(item, name) for name in (*_PLACE, "decision")}


def disagreement_view(item: JudgedItem) -> dict[str, Any]:
    """Return a :class:`DisagreementView` as JSON-ready values."""
    return {name: getattr(item, name) for name in (*_PLACE, "verdict", "verdict_by")} | {
        "decisions": dict(item.decisions)
    }
