from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from audits import tables
from audits.course_events import CourseBook
from audits.history import dated, find_histories
from audits.identity import doubtful_ids
from audits.timelines import PATIENTS, Timelines

NONE = CourseBook.of_plan({})


def assessed(*rows: tuple[str | None, str | None, dict[str, str]], **more: Any) -> pl.DataFrame:
    """Rows of patient id, date and the level of each side."""
    made = [
        {
            **dict.fromkeys(tables.ASSESSMENTS),
            "row": number, "report_id": f"R{number}", "patient_id": patient, "study_date": day,
            "level": min(levels.values(), default="none"), "in_scope": True, "flags": [], "remarks": [],
            "sides": json.dumps({side: {"level": level} for side, level in levels.items()}),
            **more,
        }
        for number, (patient, day, levels) in enumerate(rows)
    ]  # fmt: skip
    return tables.frame(made, tables.ASSESSMENTS)


def test_each_report_has_the_level_of_the_patient_until_then() -> None:
    timelines = Timelines(NONE)
    found = timelines.link(
        assessed(
            ("P1", "2020-03-01", {"left": "possible", "right": "none"}),
            ("P1", "2020-01-01", {"right": "none"}),
            ("P1", "2020-05-01", {"left": "none"}),
            ("P1", "2020-06-01", {}),
            ("P1", "2020-07-01", {"left": "stated"}),
        )
    )
    assert list(found.columns) == list(PATIENTS)
    assert found["left_patient"].to_list() == [None, "possible", "possible", "possible", "stated"]
    assert found["right_patient"].to_list() == ["none"] * 5
    changes = [json.loads(value or "[]") for value in found["left_changes"]]
    behind = [[step["report_ids"] for step in steps] for steps in changes]
    assert behind == [[], [["R0"]], [], [], [["R4"]]]
    assert (changes[4][0]["before"], changes[4][0]["after"]) == ("possible", "stated")
    assert timelines.sides == 1
    # no more is kept than what differs from the reports: an archive has many sides
    assert timelines.courses == {}


def test_patients_without_evidence_are_carried_forward_as_if_they_had_been_judged() -> None:
    rows: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("P1", "2020-01-01", {}),
        ("P1", "2020-02-01", {"left": "none"}),
        ("P1", "2020-03-01", {"right": "none"}),
    )
    quick = Timelines(NONE).link(assessed(*rows))
    judged = Timelines(NONE).link(
        assessed(*rows, ("P1", "2020-04-01", {"unspecified": "possible"}))
    )
    for side in ("left", "right"):
        for name in ("patient", "changes"):
            column = f"{side}_{name}"
            assert quick[column].to_list() == judged[column].to_list()[:3]
    assert quick["left_patient"].to_list() == [None, "none", "none"]


def test_frames_of_whole_patients_give_what_one_frame_gives() -> None:
    rows = [
        (f"P{number % 3}", f"2020-0{1 + number % 9}-01", {"left": level})
        for number, level in enumerate(
            ["none", "possible", "unlikely", "stated", "none", "probable"]
        )
    ]
    table = assessed(*rows)
    whole = Timelines(NONE).link(table)
    parts = Timelines(NONE)
    split = [
        parts.link(table.filter(pl.col("patient_id") == patient))
        for patient in sorted(set(table["patient_id"]))
    ]
    assert pl.concat(split).equals(whole)


def test_reports_without_id_or_readable_date_are_not_linked() -> None:
    found = Timelines(NONE).link(
        assessed(
            (None, "2020-03-01", {"left": "stated"}),
            ("P1", None, {"left": "stated"}),
            ("P1", "2020-13-45", {"left": "stated"}),
        )
    )
    assert found.height == 0


@pytest.mark.parametrize(
    ("more", "doubtful"),
    [
        ([(40, "M"), (41, "M"), (43, "M")], False),
        ([(40, "M"), (None, None), (52, "M")], True),
        ([(40, "M"), (40, "F"), (40, "M"), (40, "M"), (40, "M")], False),
        ([(40, "M"), (40, "F"), (40, "M"), (40, "F")], True),
    ],
)
def test_an_id_of_several_persons_is_doubtful(
    more: list[tuple[int | None, str | None]], *, doubtful: bool
) -> None:
    frames = [assessed(("P1", "2020-01-01", {}), age_years=age, sex=sex) for age, sex in more]
    assert doubtful_ids(pl.concat(frames)).to_list() == (["P1"] if doubtful else [])


def test_an_id_with_more_reports_than_a_person_has_is_doubtful() -> None:
    table = assessed(*[("0", "2020-01-01", {})] * 501)
    assert doubtful_ids(table).to_list() == ["0"]
    timelines = Timelines(NONE)
    assert timelines.link(table).height == 0
    assert timelines.doubtful == {"0"}


def told(context: str, quote: str = "TOH", **changes: Any) -> pl.LazyFrame:
    row = {
        **dict.fromkeys(tables.MENTIONS), "row": 7, "finding": "x", "quote": quote,
        "context": context, "status": "historical", "experiencer": "patient",
        "laterality": "left", "sites": [], **changes,
    }  # fmt: skip
    return tables.frame([row], tables.MENTIONS).lazy()


@pytest.mark.parametrize(
    ("context", "event"),
    [
        ("h/o TOH 2015.", "left 2015"),
        ("In 2009 TOH was treated elsewhere.", "left 2009"),
        ("History of TOH (03/2011). MRI of 2019 not available.", "left 2011"),
        ("Known TOH. Compared with 2019.", "left"),
        ("TOH three years ago.", "left 2017"),
        ("TOH a year ago", "left 2019"),
        ("Previous TOH, image 2015.3 of the series", "left"),
    ],
)
def test_a_history_is_told_with_the_year_of_its_sentence(context: str, event: str) -> None:
    (found,) = find_histories(told(context), ["x"])[7]
    assert dated(found, "2020-05-01") == event


@pytest.mark.parametrize(
    "changes",
    [{"status": "affirmed"}, {"experiencer": "other"}, {"change": "resolved"}, {"finding": "y"}],
)
def test_what_is_no_history_of_the_patient_is_left_out(changes: dict[str, Any]) -> None:
    assert find_histories(told("h/o TOH 2015.", **changes), ["x"]) == {}


def test_a_history_of_both_sides_is_one_event_of_each() -> None:
    found = find_histories(told("h/o TOH 2015.", laterality="bilateral"), ["x"])
    assert found == {7: ["left 2015", "right 2015"]}
