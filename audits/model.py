"""What an audit is asked to do, and what its plan says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from archives import Mapping

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

SHARD_REPORTS = 250
"""Reports of one shard: some seconds of work, so that little is lost when a process is killed."""

REPORT_TIMEOUT_S = 10.0
"""A report that takes longer is a failure (``timeout``), not the end of the audit."""


class Focus(StrEnum):
    """Which reports are read and whose mentions are kept; every report is counted."""

    HIP = "hip"
    """Those in the scope that the pattern set declares (for ours: the study shows a hip).

    A report that names nothing of the region is not read: see ``docs/decisions/0009``.
    """
    ALL = "all"
    """Every report."""


class Stage(StrEnum):
    """Where a report was lost."""

    READ = "read"
    EXTRACT = "extract"


@dataclass(frozen=True, slots=True)
class AuditArguments:
    """What the caller asked for."""

    archives: tuple[Path, ...]
    out: Path
    focus: Focus = Focus.ALL
    mapping: Mapping = field(default_factory=Mapping)
    workers: int = 1
    resume: bool = False
    shard_reports: int = SHARD_REPORTS
    report_timeout_s: float = REPORT_TIMEOUT_S
    since: date | None = None
    """Reports of examinations before this day are left out."""
    until: date | None = None
    """Reports of examinations after this day are left out. Reports without a date stay."""
    gate: bool = True
    """Whether reports outside the focus may be passed over by a scan; it changes the time alone."""

    def identity(self) -> dict[str, Any]:
        """Return what decides the result: equal identities give equal tables."""
        days = {"since": self.since, "until": self.until}
        return {
            "focus": str(self.focus),
            "map": {name: list(columns) for name, columns in sorted(self.mapping.columns.items())},
            "day_first": self.mapping.day_first,
            "report_timeout_s": self.report_timeout_s,
            **{name: day.isoformat() for name, day in days.items() if day is not None},
        }


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of the archive, as it was when it was planned."""

    name: str
    bytes: int
    checksum: str


@dataclass(frozen=True, slots=True)
class Shard:
    """One unit of work and of resumption."""

    number: int
    reports: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How an archive was cut into shards, and what was left out on the way."""

    inputs: tuple[InputFile, ...]
    identity: dict[str, Any]
    """The arguments and the engine that the shards are to be read with."""
    titles: dict[str, str]
    """What each atom of the case definition means, for the tables that people read."""
    naming: tuple[str, ...]
    """Findings that are the disease's own name: quoted beside the evidence of a case."""
    rows_read: int
    refused: int
    duplicates: int
    superseded: int
    planned: int
    passed_over: int
    """Of those planned, reports that name nothing of the focus and are not read."""
    shards: tuple[Shard, ...]
    """Each at least one report; their numbers are the order of the archive."""
    definition: dict[str, Any] = field(default_factory=dict)
    """The case definition and the rules of the course, so that patients are linked without patterns."""
    undesired: int = 0
    """Reports of other days than those asked for."""


@dataclass(frozen=True, slots=True)
class ShardCounts:
    """What became of the reports of one shard."""

    reports: int
    failed: int
    cases: int
