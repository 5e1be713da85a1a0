"""The engine of the course, on a small definition of its own that names no disease."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import audits
from audits.course import judge
from audits.course_events import CourseBook
from audits.course_examples import check_course_examples
from audits.course_model import PatientReport
from audits.spans import shifted
from extractor import Extractor, Level
from extractor.knowledge.course import Course, Span
from extractor.knowledge.load import load_patterns
from extractor.knowledge.schema import CaseDefinition

SECOND = Path(__file__).parents[1] / "extractor" / "second_pattern_set"
CASE = CaseDefinition.model_validate(
    {
        "name": "test", "subject": "x", "sides_from": [],
        "atoms": {name: {"title": name} for name in ("ill", "well", "worse", "told", "near")},
        "rules": [
            {"id": "T1", "when": "ill and told", "level": "probable"},
            {"id": "T2", "when": "ill", "level": "possible"},
            {"id": "T3", "when": "True", "level": "none"},
        ],
        "subtypes": {}, "activity": {},
    }
)  # fmt: skip
EVENTS = {
    name: {"title": name, "when": name, "levels": levels, "without_side": name == "well"}
    for name, levels in (
        ("ill", ["stated", "probable", "possible"]), ("well", []), ("worse", []), ("near", []),
    )
}  # fmt: skip
START = date(2020, 1, 31)


def book(*rules: dict[str, Any], loans: tuple[dict[str, Any], ...] = ()) -> CourseBook:
    full = [{"id": f"X{number}", "title": "t", **rule} for number, rule in enumerate(rules, 1)]
    return CourseBook(
        Course.model_validate({"events": EVENTS, "rules": full, "loans": loans}), CASE
    )


def report(
    days: int, *atoms: str, level: str | None = None, side: str = "left", modality: str = "MR"
) -> PatientReport:
    given = level or ("possible" if "ill" in atoms else "none")
    levels = {} if given == "-" else {side: Level(given)}
    return PatientReport(
        f"R{days}", START + timedelta(days=days), modality, levels, {side: frozenset(atoms)}
    )


HEALED = {"first": "ill", "then": "well", "changes": {"possible": "probable"}, "flags": ["healed"]}


def outcome(found: CourseBook, *reports: PatientReport, side: str = "left") -> tuple[str, ...]:
    course = judge(found, reports)[side]
    return (str(course.level), *course.flags)


def test_without_rules_a_side_has_the_highest_level_and_all_reports_of_it() -> None:
    found = judge(
        book(), [report(0, "ill"), report(1, "ill", level="stated"), report(2, level="stated")]
    )
    (step,) = found["left"].steps
    assert (found["left"].level, step.reports, step.is_peak) == (Level.STATED, (1, 2), True)
    assert "right" not in found


@pytest.mark.parametrize(
    ("rule", "days", "applies"),
    [
        ({"at_least": "2 weeks"}, 13, False),
        ({"at_least": "2 weeks"}, 14, True),
        ({"at_most": "12 weeks"}, 84, True),
        ({"at_most": "12 weeks"}, 85, False),
        ({"at_least": "3 months"}, 89, False),  # 29 April
        ({"at_least": "3 months"}, 90, True),  # 30 April, the last day of the third month
        ({"more_than": "12 months"}, 366, False),  # 31 January of the next year
        ({"more_than": "12 months"}, 367, True),
        ({}, 0, False),
        ({}, 1, True),
    ],
)
def test_a_rule_counts_days_and_months_of_the_calendar(
    rule: dict[str, Any], days: int, *, applies: bool
) -> None:
    found = outcome(book({**HEALED, **rule}), report(0, "ill"), report(days, "well"))
    assert found == (("probable", "healed") if applies else ("possible",))


@given(start=st.dates(date(1990, 1, 1), date(2090, 1, 1)), months=st.integers(1, 130))
def test_months_forward_and_back_end_within_three_days(start: date, months: int) -> None:
    span = Span(number=months, unit="month")
    later = shifted(start, span)
    assert (later.year * 12 + later.month) - (start.year * 12 + start.month) == months
    assert 0 <= (start - shifted(later, span, back=True)).days <= 3


def test_a_run_counts_from_its_first_report_and_begins_again_after_its_end() -> None:
    rule = {**HEALED, "ends": "well", "at_most": "3 months"}
    long = (report(0, "ill"), report(80, "ill"), report(120, "well"))
    assert outcome(book(rule), *long) == ("possible",)
    again = (*long, report(200, "ill"), report(240, "well"))
    assert outcome(book(rule), *again) == ("probable", "healed")


def test_an_event_between_is_asked_of_the_first_side_and_may_be_in_the_last_report() -> None:
    rule = {
        "first": "ill", "between": "well", "then": "ill", "where": "other", "then_new": "well",
        "subtype": "moving",
    }  # fmt: skip
    both = PatientReport(
        "R60", START + timedelta(days=60), "MR",
        {"left": Level.NONE, "right": Level.POSSIBLE},
        {"left": frozenset({"well"}), "right": frozenset({"ill"})},
    )  # fmt: skip
    found = judge(book(rule), [report(0, "ill"), both])
    assert found["left"].subtype == found["right"].subtype == "moving"
    assert found["right"].steps[-1].reports == (0, 1)
    before = report(-9, "ill", side="right")
    assert judge(book(rule), [before, report(0, "ill"), both])["left"].subtype is None
    alone = judge(book(rule), [report(0, "ill"), report(60, "ill", side="right")])
    assert alone["left"].subtype is None


def test_a_level_that_is_lowered_stays_low_whatever_comes_later() -> None:
    rules = (
        HEALED,
        {
            "first": "ill", "then": "worse", "flags": ["no"], "flags_from": {"stated": ["review"]},
            "changes": {"stated": "possible", "probable": "unlikely", "possible": "unlikely"},
        },
    )  # fmt: skip
    reports = [report(0, "ill"), report(40, "well"), report(90, "worse"), report(99, "ill")]
    course = judge(book(*rules), reports)["left"]
    assert [(str(step.before), str(step.after)) for step in course.steps[1:]] == [
        ("possible", "probable"), ("probable", "unlikely"),
    ]  # fmt: skip
    assert course.subtype is None
    stated = [report(0, "ill", level="stated"), report(90, "worse")]
    assert outcome(book(*rules), *stated) == ("possible", "no", "review")


def test_a_rule_is_taken_back_by_a_later_report_but_not_by_an_earlier_one() -> None:
    rule = {
        "first": "ill", "then": "worse", "changes": {"possible": "unlikely"}, "lifted_by": "near",
    }  # fmt: skip
    assert outcome(book(rule), report(0, "ill"), report(9, "near"), report(20, "worse")) == ("unlikely",)  # fmt: skip
    lifted = (report(0, "ill"), report(9, "worse"), report(20, "near"))
    assert outcome(book(rule), *lifted) == ("possible",)


def test_a_report_without_a_side_tells_of_both_only_what_the_event_allows() -> None:
    found = book(HEALED)
    unsided = report(9, "well", "ill", level="-", side="unspecified")
    assert outcome(found, report(0, "ill"), unsided) == ("probable", "healed")
    assert "left" not in judge(found, [unsided, report(20, "well", level="-")])
    worse = book({**HEALED, "then": "worse"})
    told = report(9, "worse", side="unspecified")
    assert outcome(worse, report(0, "ill"), told) == ("possible",)


LOAN = {
    "id": "L1", "title": "t", "atom": "told", "onset": "ill", "ends": "well", "within": "6 months",
    "subtype": "lent",
}  # fmt: skip


@pytest.mark.parametrize(("days", "lent"), [(-184, True), (-185, False), (182, True), (183, False)])
def test_a_fact_is_lent_by_a_report_near_to_the_onset(days: int, *, lent: bool) -> None:
    # six months before 31 January is 31 July, six after it 31 July
    lender = PatientReport("other", START + timedelta(days=days), "US", {}, {"report": frozenset({"told"})})  # fmt: skip
    course = judge(book(loans=(LOAN,)), sorted([lender, report(0, "ill")], key=lambda one: one.day))
    left = course["left"]
    assert left.level == ("probable" if lent else "possible")
    assert left.report_level == "possible"
    assert (left.subtype == "lent") == lent


def test_the_onset_is_that_of_the_run_a_report_is_in() -> None:
    lender = PatientReport("other", START, "US", {}, {"report": frozenset({"told"})})
    late = report(400, "ill")
    run = judge(book(loans=(LOAN,)), [lender, report(30, "ill", level="none"), late])
    assert run["left"].level == "possible"
    begun = judge(book(loans=(LOAN,)), [lender, report(30, "ill"), late])
    assert begun["left"].level == "probable"
    new = judge(book(loans=(LOAN,)), [lender, report(30, "well", level="none"), late])
    assert new["left"].level == "possible"


ATOMS = st.sets(st.sampled_from(["ill", "well", "worse", "near", "told"]))


@given(told=st.lists(st.tuples(st.integers(0, 900), ATOMS, st.sampled_from(["left", "right", "unspecified"])), max_size=7))  # fmt: skip
def test_what_earlier_reports_came_to_never_depends_on_later_ones_of_another_side(
    told: list[tuple[int, set[str], str]],
) -> None:
    """With rules of one side alone, a side is judged as if the others had not been there."""
    rules = book({**HEALED, "ends": "well"}, {"first": "ill", "then": "worse", "changes": {"possible": "unlikely"}})  # fmt: skip
    reports = [report(days, *sorted(atoms), side=side) for days, atoms, side in sorted(told)]
    whole = judge(rules, reports)
    for side in ("left", "right"):
        own = [one for one in reports if side in one.levels or "unspecified" in one.levels]
        alone = judge(rules, own).get(side)
        found = whole.get(side)
        assert (found and (found.level, found.flags)) == (alone and (alone.level, alone.flags))


def test_the_examples_of_the_shipped_rules_and_of_another_question_hold() -> None:
    for directory, least in ((None, 20), (SECOND, 2)):
        checked = list(check_course_examples(Extractor.load(directory)))
        assert len(checked) >= least
        assert [one for one in checked if one.faults] == []


def test_an_example_that_does_not_hold_says_what_differs(tmp_path: Path) -> None:
    for path in SECOND.rglob("*.yaml"):
        target = tmp_path / path.relative_to(SECOND)
        target.parent.mkdir(exist_ok=True)
        target.write_text(path.read_text().replace("at_most: 6 weeks", "at_most: 60 weeks"))
    faults = [one.faults for one in check_course_examples(Extractor.load(tmp_path))]
    assert faults == [(), ("level probable instead of possible", "the rule applies")]


def test_the_engine_of_the_course_names_nothing_of_the_shipped_set() -> None:
    patterns = load_patterns()
    course = patterns.course
    names = {*patterns.findings, *patterns.case.atoms, *course.events, patterns.case.name}
    names |= {rule.id for rule in course.rules} | {loan.id for loan in course.loans}
    names.add(course.peak)
    names |= {flag for rule in course.rules for flag in rule.flags}
    names |= {rule.subtype for rule in course.rules if rule.subtype}
    folder = Path(audits.__file__).parent
    engine = ("course*.py", "spans.py", "timelines.py", "history.py", "identity.py", "link.py")
    for path in (found for name in engine for found in folder.glob(name)):
        strings = set(re.findall(r"[\"']([\w.:-]+)[\"']", path.read_text(encoding="utf-8")))
        assert not names & strings - {"hard", "soft"}, path.name
