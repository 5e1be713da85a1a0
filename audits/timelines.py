"""The timelines of patients: beside each report what the patient's level was after it, and why.

Only patients whose reports give a side more than the lowest level are gone through one by one;
what becomes of all others is one expression over their rows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

import polars as pl

from audits.course import judge
from audits.course_model import SIDES, PatientReport
from audits.history import dated
from audits.identity import doubtful_ids
from audits.link import TIMELINE, link_patients
from extractor.model import CASE_LEVELS, Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from audits.course_events import CourseBook
    from audits.course_model import SideCourse, Step

_COURSE: dict[str, Any] = {
    f"{side}_{name}": kind
    for side in SIDES
    for name, kind in (
        ("patient", pl.String),
        ("changes", pl.String),
        ("flags", pl.List(pl.String)),
    )
}
PATIENTS: dict[str, Any] = {**TIMELINE, **_COURSE, "history": pl.List(pl.String)}
"""Columns of ``patients.parquet``: those of ``TIMELINE``, and for each side its course.

``left`` is the level by the report, ``left_patient`` the patient's level after it, from this and
all earlier reports; ``left_changes`` is JSON, a list of what this report changed: rule, level
before and after, flags and the ids of the reports behind it. ``history`` holds what the report
tells of earlier years ("left 2015").
"""
_LOW = (str(Level.NONE), str(Level.NOT_ASSESSABLE))


@dataclass(frozen=True, slots=True)
class LinkedReport:
    """Where a report behind a course stands."""

    study_date: str
    row: int
    report_id: str


@dataclass(frozen=True, slots=True)
class LinkedCourse:
    """What all reports of one side of one patient come to, with the reports behind it."""

    patient_id: str
    side: str
    course: SideCourse
    reports: Mapping[int, LinkedReport]
    """By their numbers in the steps, in the order of their dates."""

    @property
    def changes(self) -> list[Step]:
        """The steps that say more than the highest level of a report."""
        return [step for step in self.course.steps if not step.is_peak]

    @property
    def is_raised(self) -> bool:
        """Whether it is a case by its course alone."""
        levels = self.course.level, self.course.report_level
        return levels[0] in CASE_LEVELS and levels[1] not in CASE_LEVELS

    def facts(self, step: Step) -> dict[str, Any]:
        """Return a step as data, with the reports behind it and their dates."""
        behind = [self.reports[number] for number in step.reports]
        facts = step_facts(step, [report.report_id for report in behind])
        return {**facts, "dates": [report.study_date for report in behind]}


@dataclass(slots=True)
class Timelines:
    """Links patients frame by frame, each patient whole in one of them, and keeps the courses."""

    book: CourseBook
    histories: Mapping[int, Sequence[str]] = field(default_factory=dict)
    courses: dict[tuple[str, str], LinkedCourse] = field(default_factory=dict)
    """Of each side of which its course says more than the highest level of a report."""
    sides: int = 0
    """Sides that a report gives more than the lowest level."""
    doubtful: set[str] = field(default_factory=set)
    """Patient ids that are not linked, because they are not of one person."""

    def link(self, assessments: pl.DataFrame) -> pl.DataFrame:
        """Return the timelines of some patients, with all columns of ``PATIENTS``."""
        doubtful = doubtful_ids(assessments)
        self.doubtful.update(doubtful)
        known = assessments.filter(~pl.col("patient_id").is_in(doubtful.implode()))
        linked = link_patients(known)
        high = pl.any_horizontal(~pl.col(side).is_in(_LOW) for side in SIDES)
        busy = linked.filter(high)["patient_id"].unique()
        rows = known.join(
            linked.filter(pl.col("patient_id").is_in(busy.implode())).select("row"), on="row"
        ).sort("patient_id", "study_date", "row")
        judged = pl.DataFrame(
            list(self._judged(rows)), schema={"row": pl.Int64, **_COURSE}, orient="row"
        )
        carried = [
            pl.coalesce(f"{side}_patient", pl.col(side).forward_fill().over("patient_id")).alias(
                f"{side}_patient"
            )
            for side in SIDES
        ]
        return (
            linked.join(judged, on="row", how="left", maintain_order="left")
            .with_columns(carried)
            .join(self._history(linked), on="row", how="left", maintain_order="left")
            .select(pl.col(name).cast(kind) for name, kind in PATIENTS.items())
        )

    def _history(self, linked: pl.DataFrame) -> pl.DataFrame:
        """Return what the reports tell of earlier years, of those that do."""
        known = pl.Series(list(self.histories), dtype=pl.Int64)
        told = linked.select("row", "study_date").filter(pl.col("row").is_in(known.implode()))
        events = [
            (row, [dated(event, day) for event in self.histories[row]])
            for row, day in told.iter_rows()
        ]
        schema = {"row": pl.Int64, "history": PATIENTS["history"]}
        return pl.DataFrame(events, schema=schema, orient="row")

    def _judged(self, rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
        """Yield the course columns of each row; the rows of a patient are side by side."""
        wanted = ("row", "report_id", "patient_id", "study_date", "modality", "sides", "atoms")
        found = rows.select(wanted).iter_rows(named=True)
        for patient_id, group in groupby(found, key=lambda row: str(row["patient_id"])):
            yield from self._patient(patient_id, list(group))

    def _patient(self, patient_id: str, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Judge a patient anew with each report that says anything of a side."""
        reports: list[PatientReport] = []
        behind: list[dict[str, Any]] = []
        courses: dict[str, SideCourse] = {}
        for row in rows:
            report = PatientReport.of_row(row)
            before = courses
            if report.levels or report.atoms:
                reports.append(report)
                behind.append(row)
                courses = judge(self.book, reports)
            yield {"row": row["row"], **_columns(before, courses, behind)}
        for side, course in courses.items():
            self.sides += course.report_level not in _LOW
            if not all(step.is_peak for step in course.steps):
                self.courses[patient_id, side] = _linked(patient_id, side, course, behind)


def _linked(
    patient_id: str, side: str, course: SideCourse, rows: Sequence[Mapping[str, Any]]
) -> LinkedCourse:
    numbers = sorted({number for step in course.steps for number in step.reports})
    reports = {
        number: LinkedReport(*(rows[number][name] for name in ("study_date", "row", "report_id")))
        for number in numbers
    }
    return LinkedCourse(patient_id, side, course, reports)


def _columns(
    before: Mapping[str, SideCourse],
    after: Mapping[str, SideCourse],
    rows: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the course columns after one more report."""
    columns: dict[str, Any] = {}
    for side in SIDES:
        course = after.get(side)
        changes = _changes(before.get(side), course, rows) if course else []
        columns[f"{side}_patient"] = str(course.level) if course else None
        columns[f"{side}_changes"] = json.dumps(changes, ensure_ascii=False) if changes else None
        columns[f"{side}_flags"] = list(course.flags) if course else None
    return columns


def _changes(
    before: SideCourse | None, after: SideCourse, rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the steps that are new with the last report, and those that it takes back."""
    old = before.steps if before else ()
    level = before.level if before else None
    changes = []
    for step in after.steps:
        if not _is_new(step, old) or (step.is_peak and level is None and step.after in _LOW):
            continue
        shown = step_facts(step, [rows[number]["report_id"] for number in step.reports])
        if step.is_peak and level is not None:
            shown["before"] = str(level)
        changes.append(shown)
    kept = {(step.rule, step.title) for step in after.steps}
    for step in old:
        if (step.rule, step.title) not in kept:
            facts = step_facts(step, [rows[-1]["report_id"]])
            levels = {"before": str(level), "after": str(after.level)}
            changes.append({**facts, **levels, "flags": [], "taken_back": True})
    return changes


def _is_new(step: Step, old: Sequence[Step]) -> bool:
    """Whether a step was not there before, or changed the level otherwise; a peak goes by its level."""
    if step.is_peak:
        return all(one.after != step.after for one in old if one.is_peak)
    for one in old:
        if (one.rule, one.title, one.reports) == (step.rule, step.title, step.reports):
            moves = step.before != step.after
            return moves and (one.before, one.after) != (step.before, step.after)
    return True


def step_facts(step: Step, report_ids: list[str]) -> dict[str, Any]:
    """Return a step as data."""
    facts: dict[str, Any] = {
        "rule": step.rule,
        "title": step.title,
        "before": str(step.before) if step.before else None,
        "after": str(step.after),
        "flags": list(step.flags),
        "report_ids": report_ids,
    }
    return {**facts, "subtype": step.subtype} if step.subtype else facts
