"""The names that course.yaml uses, checked when a pattern set is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor.errors import PatternError
from extractor.knowledge.expressions import parse_expression

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from extractor.knowledge.course import Course

_FILE = "course.yaml"


def check_course_names(
    course: Course, *, atoms: Collection[str], findings: Collection[str]
) -> None:
    """Refuse names that nothing declares, and rules from which nothing follows.

    Raises:
        PatternError: names the entry and the mend.

    """
    _known("history: finding", course.history, findings)
    for name, event in course.events.items():
        where = f"event '{name}'"
        _known(f"{where}: event", event.any_of, course.events)
        _known(f"{where}: atom", parse_expression(event.when).names, atoms)
        nested = [part for part in event.any_of if course.events[part].any_of]
        if nested:
            _refuse(f"{where} names '{nested[0]}', which is made of others; name those")
    for loan in course.loans:
        _known(f"loan '{loan.id}': atom", [loan.atom], atoms)
        _known(f"loan '{loan.id}': event", [loan.onset, loan.ends], course.events)
    for rule in course.rules:
        where = f"course rule '{rule.id}'"
        named = [rule.first, rule.then, rule.between, rule.ends, rule.then_new, rule.lifted_by]
        _known(f"{where}: event", [name for name in named if name], course.events)
        if not (rule.changes or rule.flags or rule.subtype):
            _refuse(f"{where} does nothing; give it 'changes', 'flags' or 'subtype'")


def _known(where: str, names: Iterable[str], declared: Collection[str]) -> None:
    for name in names:
        if name not in declared:
            _refuse(f"{where} '{name}' is not declared; known are {', '.join(sorted(declared))}")


def _refuse(text: str) -> None:
    raise PatternError(text, file=_FILE)
