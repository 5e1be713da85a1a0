"""A hand-written archive with known patients gives the expected timelines (clinical.md 4.6)."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from audits.course_events import definition_of
from audits.course_model import SIDES
from audits.layout import Layout
from audits.model import AuditArguments
from audits.plan import plan_archive
from audits.shard import run_shard
from audits.steps import finish
from extractor import CASE_LEVELS, Extractor, Level

FILE = Path(__file__).parent / "course" / "known_patients.yaml"
PATIENTS: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
LINKED = [patient for patient in PATIENTS if patient.get("linked", True)]
RULES = {"P2", "P3", "P3b", "P3c", "P4", "P5a", "P5b", "P6", "P7"}


def lines(patient: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the archive of one patient."""
    rows = []
    for report in patient["reports"]:
        known = report if isinstance(report, dict) else dict(
            zip(("id", "date", "modality", "text"), report, strict=True)
        )  # fmt: skip
        row = {"patient_id": patient["id"], "sex": patient.get("sex"), "age": patient.get("age")}
        rows.append({**row, **known, "date": str(known["date"])})
    return rows


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, audited by the shipped patterns; its rows stand in no order of patients or dates."""
    folder = tmp_path_factory.mktemp("known")
    rows = [row for patient in PATIENTS for row in lines(patient)]
    rows.sort(key=lambda row: row["text"] if row["patient_id"] != "P078" else "")
    for row in rows:
        row["issued"] = str(row["issued"]) if row.get("issued") else None
    archive = folder / "archive.jsonl"
    archive.write_text("\n".join(json.dumps(row, default=str) for row in rows), encoding="utf-8")
    extractor = Extractor.load()
    layout = Layout(folder / "out")
    plan = plan_archive(
        AuditArguments((archive,), layout.out, shard_reports=20),
        layout,
        engine=asdict(extractor.engine),
        definition=definition_of(extractor.patterns),
    )
    for shard in plan.shards:
        run_shard(layout, shard.number, extractor.extract, report_timeout_s=30)
    finish(layout, {"finished_at": "2026-11-02T10:00:00+00:00", "workers": 1, "resumed": False})
    return layout.out


@pytest.fixture(scope="module")
def timelines(out: Path) -> dict[str, list[dict[str, Any]]]:
    table = pl.read_parquet(out / "patients.parquet")
    found: dict[str, list[dict[str, Any]]] = {}
    for row in table.iter_rows(named=True):
        found.setdefault(row["patient_id"], []).append(row)
    return found


def decided(rows: list[dict[str, Any]], side: str) -> list[str]:
    """What the course decided in the end: the last time that each step was told and not taken back."""
    steps: dict[tuple[str, str], str] = {}
    for row in rows:
        for change in json.loads(row[f"{side}_changes"] or "[]"):
            key = (change["rule"], change["title"])
            if change.get("taken_back"):
                steps.pop(key)
            elif change["rule"] != "P1":
                behind = " ".join(change["report_ids"])
                steps[key] = f"{change['rule']} {change['before']}>{change['after']} {behind}"
    return sorted(steps.values())


def test_the_archive_holds_enough_patients_and_every_rule() -> None:
    several = [patient for patient in LINKED if len(patient["reports"]) > 1]
    steps = {
        step.split()[0]
        for patient in LINKED
        for side in SIDES
        for step in patient.get(side, {}).get("steps", [])
    }
    assert len(several) >= 40
    assert steps == RULES
    assert sum("look-alike" in patient["about"] for patient in several) >= 20


@pytest.mark.parametrize("patient", LINKED, ids=lambda patient: patient["id"])
def test_a_known_patient_has_the_expected_timeline(
    patient: dict[str, Any], timelines: dict[str, list[dict[str, Any]]]
) -> None:
    rows = timelines[patient["id"]]
    for side in SIDES:
        expected = patient.get(side, {"levels": ["-"] * len(rows)})
        levels = [row[f"{side}_patient"] or "-" for row in rows]
        assert levels == expected["levels"], side
        assert decided(rows, side) == sorted(expected.get("steps", [])), side
        assert (rows[-1][f"{side}_flags"] or []) == expected.get("flags", []), side
    assert [row["history"] for row in rows] == patient.get("history", [None] * len(rows))


def test_each_change_of_level_names_its_rule_and_reports_of_the_patient_until_then(
    timelines: dict[str, list[dict[str, Any]]],
) -> None:
    moves = 0
    for rows in timelines.values():
        for side in SIDES:
            level = None
            for number, row in enumerate(rows):
                known = {earlier["report_id"] for earlier in rows[: number + 1]}
                changes = json.loads(row[f"{side}_changes"] or "[]")
                for change in changes:
                    assert change["rule"]
                    assert change["report_ids"]
                    assert set(change["report_ids"]) <= known
                after = row[f"{side}_patient"]
                if after not in {level, "none"}:
                    moves += 1
                    assert changes[-1]["after"] == after
                    assert row["report_id"] in {
                        name for one in changes for name in one["report_ids"]
                    }
                level = after
    assert moves > 60


def test_a_subtype_is_told_by_the_steps(timelines: dict[str, list[dict[str, Any]]]) -> None:
    for patient in LINKED:
        for side in SIDES:
            told = [
                change["subtype"]
                for row in timelines[patient["id"]]
                for change in json.loads(row[f"{side}_changes"] or "[]")
                if change.get("subtype")
            ]
            wanted = patient.get(side, {}).get("subtype")
            assert told[-1:] == ([wanted] if wanted else []), (patient["id"], side)


def test_an_id_that_is_not_one_person_is_not_linked(
    out: Path, timelines: dict[str, list[dict[str, Any]]]
) -> None:
    assert "000000" not in timelines
    summary = json.loads((out / "summary.json").read_text())
    assert summary["course"]["doubtful_patient_ids"] == 1
    assert summary["patients"]["unlinked_reports"] == 2


def final_levels(side: str, timelines: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    return {name: rows[-1][f"{side}_patient"] for name, rows in timelines.items()}


def test_the_cases_are_the_sides_that_the_patients_level_tags(
    out: Path, timelines: dict[str, list[dict[str, Any]]]
) -> None:
    with (out / "cases.csv").open(encoding="utf-8-sig", newline="") as stream:
        cases = list(csv.DictReader(stream))
    found = {(case["patient_id"], case["side"]): case["level"] for case in cases}
    tagged = {
        (name, side): level
        for side in SIDES
        for name, level in final_levels(side, timelines).items()
        if level in CASE_LEVELS
    }
    assert found == tagged
    assert len(cases) == len(found)


def test_a_raised_case_says_why_and_by_which_reports(out: Path) -> None:
    with (out / "cases.csv").open(encoding="utf-8-sig", newline="") as stream:
        cases = {(row["patient_id"], row["side"]): row for row in csv.DictReader(stream)}
    case = cases["P001", "left"]
    assert (case["level"], case["report_level"]) == ("probable", "possible")
    assert case["course"] == (
        "P2 possible to probable, regional osteopenia on a film, weeks after a film without: "
        "R001a (2019-02-06), R001b (2019-03-20)"
    )
    assert case["report_ids"] == "R001a, R001b"
    assert "osteopenia" in case["core"]
    assert cases["P037", "left"]["subtype"] == "RMO"
    assert "recurrence" in cases["P044", "left"]["flags"]


def test_the_summary_and_the_page_count_the_levels_that_changed(out: Path) -> None:
    course = json.loads((out / "summary.json").read_text())["course"]
    raised = lowered = 0
    order = list(reversed(Level))
    for patient in LINKED:
        for side in SIDES:
            for step in patient.get(side, {}).get("steps", []):
                before, _, after = step.split()[1].partition(">")
                raised += order.index(Level(after)) > order.index(Level(before))
                lowered += order.index(Level(after)) < order.index(Level(before))
    # one patient is raised first and lowered in the end
    assert (course["raised"], course["lowered"]) == (raised - 1, lowered)
    page = (out / "report.html").read_text()
    assert "Levels changed by the course" in page
    assert "P4 probable to unlikely" in page
    for row in course["rules"]:
        assert row["title"] in page
