"""The values of audits that go into the database and come out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class AuditState(StrEnum):
    """Where an audit is; ``done``, ``failed`` and ``cancelled`` are final."""

    QUEUED = "queued"
    PLANNING = "planning"
    EXTRACTING = "extracting"
    FINISHING = "finishing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DELETED = "deleted"
    """Nobody sees it any more; its row stays until its files are gone."""


OPEN = (AuditState.QUEUED, AuditState.PLANNING, AuditState.EXTRACTING, AuditState.FINISHING)
"""States in which there is work to do, in their order."""


FINAL = (AuditState.DONE, AuditState.FAILED, AuditState.CANCELLED)
"""States in which an audit is over."""


@dataclass(frozen=True, slots=True)
class NewAudit:
    """An audit as it was asked for: of an upload, or of a source where it lies."""

    id: str
    name: str
    """The file's or folder's name; the rows of the results are found by it."""
    upload: str | None = None
    """The uploaded file in the store of files, or the folder of its pieces (``storage.uploads``)."""
    source: str | None = None
    """The address of a file or folder that every worker can read."""
    bytes: int | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """``focus``, ``map`` (``field=column`` each), ``day_first``; ``since`` and ``until`` as ISO 8601."""


@dataclass(frozen=True, slots=True)
class PlanCounts:
    """What the plan of an archive found, in rows and reports."""

    rows_read: int
    refused: int
    duplicates: int
    superseded: int
    planned: int
    passed_over: int
    undesired: int = 0
    """Reports of other days than asked for."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Sums over the shards that are done."""

    reports: int = 0
    failed: int = 0
    cases: int = 0
    """Reports with the tag; several may be of one hip."""
    shards: int = 0
    reports_per_s: float | None = None
    """Over the last minute; ``None`` unless reports are being read."""


@dataclass(frozen=True, slots=True)
class StoredAudit:
    """One audit in the database."""

    id: str
    name: str
    upload: str | None
    source: str | None
    bytes: int | None
    arguments: Mapping[str, Any]
    state: AuditState
    error_code: str | None
    rows_read: int
    """Grows while the plan is made."""
    counts: PlanCounts | None
    """``None`` until the plan stands."""
    shards: int | None
    progress: Progress
    identity: Mapping[str, Any] | None
    """The arguments and the engine that every shard is read with."""
    plan_files: str | None
    output_files: str | None
    """The folder of the output files; ``None`` until done."""
    summary: Mapping[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    planned_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some audits, newest first."""

    audits: tuple[StoredAudit, ...]
    next_after: str | None
    """Give it as ``after`` for the next page; ``None`` on the last one."""


@dataclass(frozen=True, slots=True)
class ShardStep:
    """A shard that somebody has claimed."""

    number: int
    skip: frozenset[int]
    """Rows that have brought processes down: failures, not read again."""
