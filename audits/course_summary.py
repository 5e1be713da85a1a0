"""How many sides the course of their patients changed, and which."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from extractor.model import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audits.timelines import LinkedCourse, Timelines

_RANK = {level: rank for rank, level in enumerate(reversed(Level))}


def summarise_courses(timelines: Timelines) -> dict[str, Any]:
    """Return counts of sides: those with evidence, those changed, by rule and level, by flag and by subtype."""
    courses = timelines.courses.values()
    rules = Counter(
        (step.rule, step.title, str(step.before), str(step.after))
        for one in courses
        for step in one.changes
    )
    return {
        "sides": timelines.sides,
        "raised": sum(_moved(one) > 0 for one in courses),
        "lowered": sum(_moved(one) < 0 for one in courses),
        "rules": [
            {"rule": rule, "title": title, "before": before, "after": after, "sides": sides}
            for (rule, title, before, after), sides in sorted(rules.items())
        ],
        "flags": _counted("flag", (flag for one in courses for flag in one.course.flags)),
        "subtypes": _counted(
            "subtype", (one.course.subtype for one in courses if one.course.subtype)
        ),
        "doubtful_patient_ids": len(timelines.doubtful),
    }


def changed_sides(timelines: Timelines) -> list[dict[str, Any]]:
    """Return the sides that have another level by their course than by any report, in order."""
    return [
        {
            "patient_id": one.patient_id,
            "side": one.side,
            "report_level": str(one.course.report_level),
            "level": str(one.course.level),
            "course": [one.facts(step) for step in one.changes],
        }
        for key, one in sorted(timelines.courses.items())
        if _moved(one)
    ]


def _moved(one: LinkedCourse) -> int:
    """Return by how many levels the course raises a side; negative, where it lowers it."""
    return _RANK[one.course.level] - _RANK[one.course.report_level]


def _counted(name: str, values: Iterable[str | None]) -> list[dict[str, Any]]:
    counts = Counter(value for value in values if value)
    return [{name: value, "sides": sides} for value, sides in sorted(counts.items())]
