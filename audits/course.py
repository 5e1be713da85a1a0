"""The course of a patient: what all reports of a side come to, and by which rules.

Pure: the reports of one patient in, a level for each side with its steps out. Which events there
are, how far they may lie apart and what follows from them is said by the pattern set.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from audits.course_events import Track, track_of
from audits.course_model import REPORT, SIDES, SUSPECTED, SideCourse, Step
from audits.spans import fits, is_near
from extractor.model import Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audits.course_events import CourseBook, Told
    from audits.course_model import PatientReport
    from extractor.knowledge.course import CourseLoan, CourseRule

_OTHER = {"left": "right", "right": "left"}
_RANK = {level: rank for rank, level in enumerate(reversed(Level))}
_Match = tuple[int, ...]
"""Numbers of the reports behind a rule."""


def judge(book: CourseBook, reports: Sequence[PatientReport]) -> dict[str, SideCourse]:
    """Return the course of each side that a report gives a level, from all reports at once.

    ``reports`` are those of one patient in the order of their dates.
    """
    raw = {side: track_of(book, reports, side) for side in (*SIDES, REPORT)}
    lent = {side: _lend(book, raw[side], raw[REPORT]) for side in SIDES}
    tracks = {side: lent[side][0] for side in SIDES} | {REPORT: raw[REPORT]}
    found = {
        (number, side): match
        for number, rule in enumerate(book.course.rules)
        for side in SIDES
        if (match := _match(rule, side, tracks))
    }
    courses = {}
    for side in SIDES:
        steps = _peak(book, raw[side], tracks[side], lent[side][1])
        if steps:
            courses[side] = _decided(book, side, steps, found)
    return courses


def _peak(
    book: CourseBook, raw: Track, lent: Track, loans: Mapping[int, tuple[CourseLoan, int]]
) -> list[Step]:
    """Return the highest level of the side's reports, and what a lent fact makes of it."""
    levels = [one.level for one in raw.reports if one.level is not None]
    if not levels:
        return []
    top = max(levels, key=_RANK.__getitem__)
    behind = tuple(one.number for one in raw.reports if one.level == top)
    steps = [Step(book.course.peak, "highest level of a report", None, top, behind, is_peak=True)]
    raised = [one for one in lent.reports if one.number in loans and one.level is not None]
    best = max(raised, key=lambda one: _RANK[one.level or top], default=None)
    if best is not None and best.level is not None and _RANK[best.level] > _RANK[top]:
        loan, lender = loans[best.number]
        steps.append(
            Step(
                loan.id,
                loan.title,
                before=top,
                after=best.level,
                reports=tuple(sorted({best.number, lender})),
                subtype=loan.subtype,
            )
        )
    return steps


def _decided(
    book: CourseBook, side: str, steps: list[Step], found: Mapping[tuple[int, str], _Match]
) -> SideCourse:
    """Apply the rules that match, in their order, to the highest level; one that is low stays."""
    top = steps[0].after
    level = steps[-1].after
    for number, rule in enumerate(book.course.rules):
        match = found.get((number, side))
        shared = found.get((number, _OTHER.get(side, ""))) if rule.where == "other" else None
        if level not in SUSPECTED or not (match or shared):
            continue
        after = rule.changes.get(level, level) if match else level
        flags = (*rule.flags, *rule.flags_from.get(level, [])) if match else ()
        behind = min((one for one in (match, shared) if one), key=max)
        step = Step(rule.id, rule.title, level, after, behind, flags, rule.subtype)
        if after != level or _says_more(step, steps):
            steps.append(step)
        level = after
    return SideCourse(level, top, tuple(steps))


def _says_more(step: Step, steps: Sequence[Step]) -> bool:
    """Whether a step that leaves the level adds what no other step of the same rule has said."""
    same = [one for one in steps if one.rule == step.rule]
    flags = {flag for one in same for flag in one.flags}
    return not flags.issuperset(step.flags) or step.subtype not in (
        None,
        *(one.subtype for one in same),
    )


def _match(rule: CourseRule, side: str, tracks: Mapping[str, Track]) -> _Match | None:
    """Return the reports behind a rule on a side: the earliest that fit, ``None`` where none do."""
    track = tracks[side]
    there = tracks.get({"same": side, "other": _OTHER.get(side, ""), REPORT: REPORT}[rule.where])
    if there is None:
        return None
    for then in there.telling(rule.then):
        if rule.then_new and not _is_new(there, then, rule.then, rule.then_new):
            continue
        if any(one.number >= then.number for one in track.telling(rule.lifted_by)):
            continue
        for first in _firsts(track, then, rule):
            between = _between(track, first, then, rule)
            if between is not None and fits(rule, first.day, then.day):
                return tuple(dict.fromkeys((first.number, *between, then.number)))
    return None


def _firsts(track: Track, then: Told, rule: CourseRule) -> list[Told]:
    """Return what may be the first event before another; of a run that can end, its first report."""
    before = [one for one in track.telling(rule.first) if one.number < then.number]
    if rule.ends is None:
        return before
    return [one for one in before if track.is_run(one, then, rule.ends)][:1]


def _between(track: Track, first: Told, then: Told, rule: CourseRule) -> _Match | None:
    """Return the report that must lie between, nothing where none must, ``None`` where it is missing."""
    if rule.between is None:
        return ()
    for one in track.telling(rule.between):
        if first.number < one.number <= then.number and first.day < one.day:
            return (one.number,)
    return None


def _is_new(track: Track, then: Told, event: str, ends: str) -> bool:
    return not any(
        one.number < then.number and track.is_run(one, then, ends) for one in track.telling(event)
    )


def _lend(
    book: CourseBook, track: Track, whole: Track
) -> tuple[Track, dict[int, tuple[CourseLoan, int]]]:
    """Judge the reports of a side anew with facts that other reports tell near to the onset.

    Returns the side with the levels that follow, and for each report that has another level the
    loan and the number of the report that lent.
    """
    loans: dict[int, tuple[CourseLoan, int]] = {}
    changed = []
    for one in track.reports:
        better = one
        for loan in book.course.loans:
            lender = _lender(track, whole, one, loan)
            if lender is None or one.level is None or loan.atom in one.atoms:
                continue
            atoms = better.atoms | {loan.atom}
            level = Level(book.verdicts.side_rule(atoms).level)
            if _RANK[level] > _RANK[better.level or one.level]:
                better = replace(better, atoms=atoms, level=level)
                loans[one.number] = (loan, lender.number)
        changed.append(better)
    return (Track(book, changed) if loans else track), loans


def _lender(track: Track, whole: Track, one: Told, loan: CourseLoan) -> Told | None:
    """Return the first report that tells the fact near to the onset of the run that a report is in."""
    onset = next(
        (
            first
            for first in track.telling(loan.onset)
            if first.number <= one.number and track.is_run(first, one, loan.ends)
        ),
        None,
    )
    if onset is None:
        return None
    return next(
        (
            other
            for other in whole.reports
            if loan.atom in other.atoms and is_near(other.day, onset.day, loan.within)
        ),
        None,
    )
