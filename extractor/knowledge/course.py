"""The shape of course.yaml: how the level of one side changes over the reports of a patient.

An event is what one report tells of one side; a rule is two events in time, and what follows from
them. The words for events and rules are the pattern set's own: nothing here knows what they mean.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - pydantic reads the annotation
import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from extractor.knowledge.schema import Entry, Name
from extractor.model import Level

_SPAN = re.compile(r"(\d+) (day|week|month)s?")


class Span(Entry):
    """A length of time, written "2 weeks" or "3 months"; months are those of the calendar."""

    number: int
    unit: Literal["day", "week", "month"]


def _read_span(value: object) -> object:
    match = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if match:
        return {"number": int(match[1]), "unit": match[2]}
    if isinstance(value, dict | Span):
        return value
    raise ValueError("write a length of time as '10 days', '2 weeks' or '3 months'")


SpanText = Annotated[Span, BeforeValidator(_read_span)]
LevelChanges = dict[Level, Level]


class CourseEvent(Entry):
    """What one report tells of one side."""

    title: str
    any_of: list[Name] = Field(default_factory=list)
    """Other events, of which one is enough; instead of the conditions below."""
    when: str = "True"
    """A condition on the atoms of the case definition that hold on the side."""
    levels: list[Level] = Field(default_factory=list)
    """Levels that the report gives the side; empty: any, and sides that it says nothing of."""
    modalities: list[str] = Field(default_factory=list)
    """Only in studies of these modalities; empty: in all."""
    without_side: bool = False
    """Whether a report that names no side tells it of both."""


class CourseReport(Entry):
    """One report of an example."""

    date: dt.date
    text: str
    modality: str | None = None
    age_years: int | None = None
    sex: Literal["M", "F"] | None = None
    pregnancy: Literal["pregnant", "postpartum", "none"] | None = None


class CourseExample(Entry):
    """The reports of a patient and what comes of one side; run by ``marrow patterns check``."""

    reports: list[CourseReport] = Field(min_length=1)
    side: Literal["left", "right", "unspecified"]
    level: Level
    applies: bool
    """Whether the rule that the example stands beside is among those that decided."""
    flags: list[str] = Field(default_factory=list)
    """Flags that the side must have by its course."""


class CourseRule(Entry):
    """An event, another after it on the same side or elsewhere, and what follows for the first side."""

    id: Name
    title: str
    first: Name
    then: Name
    where: Literal["same", "other", "report"] = "same"
    """Where the second event is: on the same side, on the other, or anywhere in a report."""
    then_new: Name | None = None
    """Where given, the second must be new where it is: not there before, or ended by this event since."""
    between: Name | None = None
    """An event of the first side that must lie between: after the first, not after the second."""
    ends: Name | None = None
    """An event that ends a run of the first: time then counts from the first report of the run."""
    at_least: SpanText | None = None
    at_most: SpanText | None = None
    more_than: SpanText | None = None
    lifted_by: Name | None = None
    """An event which, in the second report or in a later one of the side, takes the rule back."""
    changes: LevelChanges = Field(default_factory=dict)
    """Level to the level that it becomes; others stay."""
    flags: list[str] = Field(default_factory=list)
    flags_from: dict[Level, list[str]] = Field(default_factory=dict)
    """Further flags by the level that was changed."""
    subtype: str | None = None
    """Subtype of the side, and of the other where the second event is there."""
    comment: str = ""
    """The clinical reason or the source."""
    examples: list[CourseExample] = Field(default_factory=list)


class CourseLoan(Entry):
    """A fact of the patient that any report near to the onset may tell for the reports of a side."""

    id: Name
    title: str
    atom: Name
    onset: Name
    """The event with which a run begins on a side."""
    ends: Name
    """The event that ends it."""
    within: SpanText
    """How far from the onset, before or after, the fact may be told."""
    subtype: str | None = None
    """Subtype of a side whose level it changes."""
    comment: str = ""
    examples: list[CourseExample] = Field(default_factory=list)


class Course(Entry):
    """course.yaml; a pattern set without it keeps the highest level of a side's reports."""

    peak: Name = "peak"
    """Id of the rule by which a side has the highest level of its reports."""
    history: list[Name] = Field(default_factory=list)
    """Findings whose historical mentions are kept with their year, as no finding of the report's day."""
    events: dict[Name, CourseEvent] = Field(default_factory=dict)
    loans: list[CourseLoan] = Field(default_factory=list)
    rules: list[CourseRule] = Field(default_factory=list)
