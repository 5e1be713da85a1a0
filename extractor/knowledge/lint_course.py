"""What in course.yaml would silently do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor.knowledge.declared import Declared
from extractor.knowledge.remarks import Remark, error, note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor.knowledge.course import Course
    from extractor.knowledge.load import PatternSet
    from extractor.knowledge.positions import Located, Positions

_FILE = "course.yaml"


def course_remarks(patterns: PatternSet, positions: Positions) -> Iterator[Remark]:
    """Yield events that nothing asks for or that never hold, and rules without examples."""
    course = patterns.course
    if not (course.events or course.rules or course.loans):
        return
    file = positions.file(_FILE)
    yield from _unused(course, file)
    yield from _modalities(patterns, file)
    bare = [loan.id for loan in course.loans if not loan.examples]
    bare += [rule.id for rule in course.rules if not rule.examples]
    if bare:
        names = ", ".join(dict.fromkeys(bare))
        text = f"{len(bare)} without examples: {names}; add reports with what must come of them"
        yield note("no_examples", file.at("rules"), text)


def _unused(course: Course, file: Located) -> Iterator[Remark]:
    asked = {name for loan in course.loans for name in (loan.onset, loan.ends)}
    for rule in course.rules:
        asked |= {rule.first, rule.then} | {
            name for name in (rule.between, rule.ends, rule.then_new, rule.lifted_by) if name
        }
    parts = {part for name in asked for part in course.events[name].any_of}
    for name in course.events:
        if name not in asked | parts:
            text = f"no loan and no rule asks for the event '{name}'; take it out"
            yield error("unused_event", file.at("events", name), text)


def _modalities(patterns: PatternSet, file: Located) -> Iterator[Remark]:
    known = Declared.by(patterns).modalities
    for name, event in patterns.course.events.items():
        for modality in event.modalities:
            if modality not in known:
                text = f"event '{name}': modality '{modality}' is not known; known are {', '.join(sorted(known))}"
                yield error("unknown_name", file.at("events", name, "modalities"), text)
