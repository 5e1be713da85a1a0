"""What clients get of the queue: the shapes for the OpenAPI description, and how they are made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter

from api.schemas import Schema
from api.views import ReportSums, sums_view, timestamp
from storage.model import Lane, WorkKind, WorkState
from storage.operations import MOST_REQUEUED, Operations

OPERATIONS_PATH = "/v1/operations"


class OpenWorkView(BaseModel):
    """Units of work of one kind that are not done."""

    lane: Lane
    kind: WorkKind
    state: WorkState
    units: int
    oldest_s: float = Field(description="Seconds since the oldest of them was made.")


class HolderView(BaseModel):
    """A process that has units of work in hand."""

    name: str = Field(description="Machine, process id and when it started.")
    units: int
    until: datetime = Field(description="When the first of its leases ends unless it is renewed.")


class OperationsView(BaseModel):
    """How the work goes. Numbers only."""

    open_work: list[OpenWorkView]
    holders: list[HolderView]
    failed: dict[str, int] = Field(description="Failed reports by their error codes.")
    quarantined: int = Field(
        description="Units of work whose only report brought processes down again and again."
    )
    audits: dict[str, int] = Field(description="By state.")
    reports: ReportSums | None = Field(description="Nothing where no dispatcher ran yet.")


class RequeueBody(Schema):
    """Which failed reports are to be read again; without a word all of them."""

    error_code: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    report: Annotated[str, Field(pattern=r"^rep_[0-9a-z]{26}$")] | None = Field(
        default=None, description="Our id of one report."
    )


class Requeued(BaseModel):
    """How many reports wait again."""

    reports: int = Field(
        description=f"At most {MOST_REQUEUED}: ask again until it is 0.", le=MOST_REQUEUED
    )


REQUEUE: TypeAdapter[RequeueBody] = TypeAdapter(RequeueBody)


def operations_view(seen: Operations) -> dict[str, Any]:
    """Return an :class:`OperationsView` as JSON-ready values."""
    return {
        "open_work": [
            {
                "lane": one.lane.value,
                "kind": one.kind.value,
                "state": one.state.value,
                "units": one.units,
                "oldest_s": round(one.oldest_s, 1),
            }
            for one in seen.open_work
        ],
        "holders": [
            {"name": one.name, "units": one.units, "until": timestamp(one.until)}
            for one in seen.holders
        ],
        "failed": dict(seen.failed),
        "quarantined": seen.quarantined,
        "audits": dict(seen.audits),
        "reports": None if seen.counted is None else sums_view(seen.counted),
    }
