"""Which reports of a side tell which events of the course."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from extractor.assessment.verdicts import Verdicts
from extractor.knowledge.course import Course
from extractor.knowledge.expressions import parse_expression
from extractor.knowledge.schema import CaseDefinition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from typing import Any

    from audits.course_model import PatientReport
    from extractor.knowledge.expressions import Expression
    from extractor.knowledge.load import PatternSet
    from extractor.model import Level

_NO_SIDE = "unspecified"
_PAIRED = frozenset({"left", "right"})


def definition_of(patterns: PatternSet) -> dict[str, Any]:
    """Return what a plan holds, so that its last step needs no pattern set."""
    parts = {"course": patterns.course, "case": patterns.case}
    return {name: part.model_dump(mode="json") for name, part in parts.items()}


class CourseBook:
    """The course rules and the case definition of one pattern set, ready to be applied."""

    def __init__(self, course: Course, case: CaseDefinition) -> None:
        self.course = course
        self.verdicts = Verdicts(
            case,
            {name: parse_expression(atom.when) for name, atom in case.atoms.items() if atom.when},
        )
        self.conditions: Mapping[str, Expression] = {
            name: parse_expression(event.when) for name, event in course.events.items()
        }

    @classmethod
    def of_plan(cls, value: Mapping[str, Any]) -> CourseBook:
        """Return the book as a plan holds it; without one, a side keeps its highest level."""
        case = value.get("case") or {
            "name": "none", "subject": "none", "sides_from": [], "atoms": {}, "rules": [],
            "subtypes": {}, "activity": {},
        }  # fmt: skip
        return cls(
            Course.model_validate(value.get("course", {})), CaseDefinition.model_validate(case)
        )

    @classmethod
    def of_patterns(cls, patterns: PatternSet) -> CourseBook:
        """Return the book of a pattern set."""
        return cls(patterns.course, patterns.case)


@dataclass(frozen=True, slots=True)
class Told:
    """What one report tells of one side."""

    number: int
    day: date
    modality: str | None
    level: Level | None
    """``None`` where the report does not speak of the side."""
    atoms: frozenset[str]
    names_side: bool


@dataclass(slots=True)
class Track:
    """The reports of one side, in order; asks each event of them once."""

    book: CourseBook
    reports: Sequence[Told]
    _telling: dict[str, list[Told]] = field(default_factory=dict)

    def telling(self, event: str | None) -> list[Told]:
        """Return the reports that tell an event; none for ``None``."""
        if event is None:
            return []
        if event not in self._telling:
            self._telling[event] = [one for one in self.reports if self._tells(one, event)]
        return self._telling[event]

    def is_run(self, first: Told, then: Told, ends: str | None) -> bool:
        """Whether nothing that ends a run lies between two reports."""
        return not any(first.number < one.number < then.number for one in self.telling(ends))

    def _tells(self, one: Told, name: str) -> bool:
        event = self.book.course.events[name]
        if event.any_of:
            return any(self._tells(one, part) for part in event.any_of)
        if event.levels and one.level not in event.levels:
            return False
        if event.modalities and one.modality not in event.modalities:
            return False
        if not (one.names_side or event.without_side):
            return False
        return self.book.conditions[name](self.book.verdicts.holding(one.atoms))


def track_of(book: CourseBook, reports: Sequence[PatientReport], side: str) -> Track:
    """Return what the reports tell of a side, or under ``report`` of the patient as a whole."""
    told = []
    for number, report in enumerate(reports):
        level, atoms, names_side = report.levels.get(side), report.atoms.get(side), True
        if level is None and atoms is None and side in _PAIRED:
            atoms, names_side = report.atoms.get(_NO_SIDE), False
        if level is not None or atoms is not None:
            told.append(
                Told(number, report.day, report.modality, level, atoms or frozenset(), names_side)
            )
    return Track(book, told)
