"""How the workers work."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path  # noqa: TC003 (pydantic reads the annotations)
from typing import Annotated, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from audits.model import SHARD_REPORTS
from storage.access_log import KEPT_DAYS_AT_LEAST
from storage.model import Lane
from workers.bell import BellSettings

_LADDER = (
    "report_timeout_s",
    "unit_timeout_s",
    "task_time_limit_s",
    "lease_s",
    "visibility_timeout_s",
)


class WorkerSettings(BellSettings):
    """Settings of workers and dispatcher, from the environment (``MARROW_...``).

    The timeouts are a ladder: each one is the safety net of the one before, so each must be
    longer. A shorter lease, say, would give a unit away while it is being worked on.
    """

    patterns: Path | None = None
    """A pattern directory other than the shipped one."""
    worker_concurrency: PositiveInt = Field(
        default_factory=lambda: len(os.sched_getaffinity(0)), le=256
    )
    """Processes of one worker."""

    worker_lanes: tuple[Lane, ...] = Field(default=tuple(Lane), min_length=1)
    """What this worker listens to, as JSON. A second worker for ``["interactive"]`` alone keeps
    single reports quick while bulk ones fill the first."""

    report_timeout_s: PositiveFloat = 10
    """For one report; then it is failed, and the next one is read."""
    unit_timeout_s: PositiveFloat = 60
    """For one unit, looked at between reports; then what is left is put back."""
    task_time_limit_s: PositiveFloat = 180
    """Then Celery kills the process."""
    shard_time_limit_s: PositiveFloat = 3_000
    """The same for a shard of an audit: 250 reports that all take as long as they may."""
    step_time_limit_s: PositiveFloat = 24 * 3_600
    """The same for the plan and the summary of an audit, whatever its size."""
    lease_s: PositiveFloat = 240
    """Then the unit is given to somebody else. A step of an audit renews its lease."""
    visibility_timeout_s: PositiveFloat = 600
    """Then Redis gives out a bell again that nobody acknowledged."""

    keep_reports_days: PositiveInt | None = None
    """Reports that were accepted longer ago are deleted; by default they are kept."""
    keep_audits_days: PositiveInt | None = None
    """Audits that ended longer ago are deleted with their files; by default they are kept."""

    keep_access_log_days: Annotated[int, Field(ge=KEPT_DAYS_AT_LEAST)] | None = None
    """Entries of the access log that are older are deleted; by default they are kept."""

    dispatch_every_s: PositiveFloat = 0.5
    """How often the dispatcher looks for what waits, and for leases that ended."""
    ring_again_s: PositiveFloat = 5
    """A unit that waits this long is rung for again."""
    bells_at_most: PositiveInt = 64
    """Bells in Redis for each lane; the dispatcher rings for no more units than these."""

    @model_validator(mode="after")
    def _climb(self) -> Self:
        for lower, higher in pairwise(_LADDER):
            if getattr(self, lower) >= getattr(self, higher):
                raise ValueError(f"{higher} must be longer than {lower}")
        # The last report of a unit may begin just before the unit's time is over.
        if self.unit_timeout_s + self.report_timeout_s > self.task_time_limit_s:
            raise ValueError(
                "task_time_limit_s must be as long as unit_timeout_s and report_timeout_s together"
            )
        if SHARD_REPORTS * self.report_timeout_s > self.shard_time_limit_s:
            raise ValueError(
                f"shard_time_limit_s must be as long as {SHARD_REPORTS} times report_timeout_s"
            )
        return self
