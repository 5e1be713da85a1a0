"""What the course of a patient is judged from, and what comes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Self

from extractor.model import Level

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extractor.model import Result

SIDES = ("left", "right", "unspecified")
"""``unspecified`` holds the reports that name no side: they are never taken for one."""
REPORT = "report"
"""Where atoms of the report as a whole stand, beside those of the sides."""
SUSPECTED = frozenset({Level.STATED, Level.PROBABLE, Level.POSSIBLE})
"""Levels of the tag and of the review list; only these have a subtype."""


@dataclass(frozen=True, slots=True)
class PatientReport:
    """One report of a patient, as far as the course asks for it."""

    report_id: str
    day: date
    modality: str | None
    levels: Mapping[str, Level]
    """Level by side, of the sides that the report speaks of."""
    atoms: Mapping[str, frozenset[str]]
    """Basic atoms that hold by side, and under ``report`` some of the report as a whole."""

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Self:
        """Return the report of one row of ``assessments``."""
        sides = json.loads(row["sides"] or "{}")
        atoms = json.loads(row["atoms"] or "{}")
        return cls(
            report_id=row["report_id"],
            day=date.fromisoformat(row["study_date"]),
            modality=row["modality"],
            levels={side: Level(facts["level"]) for side, facts in sides.items()},
            atoms={side: frozenset(names) for side, names in atoms.items()},
        )

    @classmethod
    def of_result(cls, result: Result, day: date) -> Self:
        """Return the report that a result was read from."""
        assessment = result.assessment
        return cls(
            report_id=result.report_id or "",
            day=day,
            modality=result.study.modality,
            levels={side: facts.level for side, facts in assessment.sides.items()},
            atoms={side: frozenset(names) for side, names in assessment.atoms.items()},
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the course decides on a side, and the reports behind it."""

    rule: str
    title: str
    before: Level | None
    after: Level
    reports: tuple[int, ...]
    """Numbers of the patient's reports, counted from 0 in the order of their dates."""
    flags: tuple[str, ...] = ()
    subtype: str | None = None
    is_peak: bool = False
    """Whether it is no more than the highest level of a report."""


@dataclass(frozen=True, slots=True)
class SideCourse:
    """What all reports of one side come to."""

    level: Level
    report_level: Level
    """The highest level that a single report gives."""
    steps: tuple[Step, ...]

    @property
    def flags(self) -> tuple[str, ...]:
        """Every flag of the steps, once."""
        return tuple(dict.fromkeys(flag for step in self.steps for flag in step.flags))

    @property
    def subtype(self) -> str | None:
        """The subtype that the course gives, where the level still allows one."""
        told = [step.subtype for step in self.steps if step.subtype]
        return told[-1] if told and self.level in SUSPECTED else None
