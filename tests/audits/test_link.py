from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audits import tables
from audits.cases_file import case_cells
from audits.link import find_cases, link_patients
from extractor import Level, Patient, Report, Study
from tests.audits.results import mention, result

if TYPE_CHECKING:
    import polars as pl

    from extractor import Result

OEDEMA = "marrow oedema of the femoral head"


def tabled(*rows: tuple[dict[str, Any], Result]) -> tuple[pl.DataFrame, pl.DataFrame]:
    assessments = [tables.assessment_row(row, found) for row, found in rows]
    mentions = [tables.mention_row(row, item) for row, found in rows for item in found.mentions]
    return tables.frame(assessments, tables.ASSESSMENTS), tables.frame(mentions, tables.MENTIONS)


def read(
    number: int, patient: str | None, date: str | None, level: Level, *, side: str = "left"
) -> tuple[dict[str, Any], Result]:
    report = Report(OEDEMA, f"R{number}", Patient(patient, 40, "M"), Study("MR", date=date))
    row = {
        "row": number, "source": "default", "accession": None, "patient_id": patient,
        "study_date": date, "description": None, "path": "a.csv", "line": number + 1,
        "report_id": f"R{number}", "remarks": [], "text": OEDEMA, "text_sha256": "0",
    }  # fmt: skip
    return row, result(report, level=level, side=side, mentions=(mention(OEDEMA, "marrow oedema"),))


def test_reports_of_a_patient_are_in_the_order_of_their_dates() -> None:
    assessments, _ = tabled(
        read(1, "P1", "2020-03-01", Level.NONE),
        read(2, "P1", "2020-01-31", Level.PROBABLE),
        read(3, "P2", "2019-01-01", Level.NONE, side="right"),
        read(4, None, "2019-01-01", Level.STATED),
        read(5, "P1", None, Level.STATED),
    )
    patients = link_patients(assessments)
    assert patients.select("patient_id", "sequence", "report_id", "days_since_first").rows() == [
        ("P1", 1, "R2", 0),
        ("P1", 2, "R1", 30),
        ("P2", 1, "R3", 0),
    ]
    assert patients["highest_so_far"].to_list() == ["probable", "probable", "none"]
    assert patients["left"].to_list() == ["probable", "none", None]


def test_an_archive_without_patients_has_an_empty_timeline() -> None:
    assessments, _ = tabled()
    assert link_patients(assessments).height == 0


def test_several_reports_of_one_hip_are_one_case_with_its_strongest_evidence() -> None:
    assessments, mentions = tabled(
        read(1, "P1", "2020-01-01", Level.PROBABLE),
        read(2, "P1", "2020-02-01", Level.STATED),
        read(3, "P1", "2020-03-01", Level.STATED),
        read(4, "P1", "2020-04-01", Level.NONE),
        read(5, "P1", "2020-05-01", Level.PROBABLE, side="right"),
        read(6, None, None, Level.PROBABLE),
        read(7, None, None, Level.PROBABLE),
        read(8, "P3", "2020-01-01", Level.POSSIBLE),
    )
    cases = find_cases(assessments.lazy(), mentions.lazy())
    assert [(case["case"], case["report_id"], case["side"], case["level"]) for case in cases] == [
        (1, "R2", "left", "stated"),
        (2, "R5", "right", "probable"),
        (3, "R6", "left", "probable"),
        (4, "R7", "left", "probable"),
    ]
    assert cases[0]["report_ids"] == ["R1", "R2", "R3"]


def test_cells_of_a_case_quote_the_evidence() -> None:
    assessments, mentions = tabled(read(1, "P1", "2020-01-01", Level.STATED))
    (case,) = find_cases(assessments.lazy(), mentions.lazy())
    cells = case_cells(case)
    assert cells["core"] == "C1: “marrow oedema”"
    assert (cells["missing"], cells["report_ids"], cells["hard"]) == ("C3", "R1", "")
    assert "not a diagnosis" in cells["notice"]
