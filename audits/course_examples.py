"""Run the examples that stand beside each rule of the course."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.course import judge
from audits.course_events import CourseBook
from audits.course_model import PatientReport
from extractor.model import Patient, Report, Study

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.course_model import SideCourse
    from extractor import Extractor
    from extractor.knowledge.course import CourseExample, CourseLoan, CourseRule


@dataclass(frozen=True, slots=True)
class CheckedExample:
    """An example of a rule, and what is otherwise than it says."""

    rule: str
    shown: str
    """Its reports on one line."""
    faults: tuple[str, ...]


def check_course_examples(extractor: Extractor) -> Iterator[CheckedExample]:
    """Read the reports of every example and judge them."""
    book = CourseBook.of_patterns(extractor.patterns)
    rules: list[CourseRule | CourseLoan] = [*book.course.loans, *book.course.rules]
    for rule in rules:
        for example in rule.examples:
            reports = [_read(extractor, example, number) for number in range(len(example.reports))]
            shown = " / ".join(f"{one.date} {one.text}" for one in example.reports)
            faults = _faults(rule, example, judge(book, reports).get(example.side))
            yield CheckedExample(rule.id, shown, tuple(faults))


def _read(extractor: Extractor, example: CourseExample, number: int) -> PatientReport:
    given = example.reports[number]
    report = Report(
        given.text,
        str(number),
        Patient(age_years=given.age_years, sex=given.sex, pregnancy=given.pregnancy),
        Study(modality=given.modality, date=given.date.isoformat()),
    )
    return PatientReport.of_result(extractor.extract(report), given.date)


def _faults(
    rule: CourseRule | CourseLoan, example: CourseExample, found: SideCourse | None
) -> list[str]:
    """Return what differs, in words."""
    if found is None:
        return [f"no report gives the {example.side} side a level"]
    # rules can share an id; their titles tell them apart
    applies = any((step.rule, step.title) == (rule.id, rule.title) for step in found.steps)
    faults = []
    if found.level != example.level:
        faults.append(f"level {found.level} instead of {example.level}")
    if applies != example.applies:
        faults.append("the rule applies" if applies else "the rule does not apply")
    missing = [flag for flag in example.flags if flag not in found.flags]
    if missing:
        faults.append(f"without the flags {', '.join(missing)}")
    return faults
