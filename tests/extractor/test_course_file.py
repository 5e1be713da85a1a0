"""course.yaml is checked when it is loaded, and by the lint."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from extractor import Extractor, Patient, PatternError, Report, Study
from extractor.knowledge.lint import lint_patterns
from extractor.knowledge.load import load_patterns, shipped_directory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the shipped patterns that a test may break."""
    return shutil.copytree(shipped_directory(), tmp_path / "patterns")


def change(directory: Path, old: str, new: str) -> None:
    path = directory / "course.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("then: film_osteopenia", "then: film_osteopaenia", r"'film_osteopaenia' is not declared"),
        ('when: "C2 or C3"', 'when: "C2 or C33"', r"'C33' is not declared"),
        ("atom: m4_pregnancy", "atom: m9", r"loan 'P7': atom 'm9' is not declared"),
        ("history: [itoh_diagnosis,", "history: [itoh,", r"'itoh' is not declared"),
        ("at_least: 2 weeks", "at_least: a fortnight", r"course\.yaml:\d+: .*'2 weeks' or '3 months'"),
        ("at_least: 2 weeks", "at_leest: 2 weeks", r"course\.yaml:\d+: .*at_leest"),
        ("changes: {possible: probable}", "changes: {possible: likely}", r"course\.yaml:\d+: "),
        ("any_of: [marrow_begun, density_begun]", "any_of: [settled]", r"made of others"),
        ('flags: ["course:resolved_late"]', "flags: []", r"'P3b' does nothing"),
    ],
)  # fmt: skip
def test_a_wrong_course_is_refused_with_its_mend(
    copied: Path, old: str, new: str, message: str
) -> None:
    change(copied, old, new)
    with pytest.raises(PatternError, match=message) as caught:
        load_patterns(copied)
    assert "course.yaml" in str(caught.value)


def test_the_lint_finds_events_without_use_and_modalities_that_do_not_exist(copied: Path) -> None:
    assert not [one for one in lint_patterns(copied) if one.place.file == "course.yaml"]
    change(copied, "\nloans:", '\n  idle: {title: "never asked for", modalities: [XX]}\n\nloans:')
    found = {one.code for one in lint_patterns(copied) if one.place.file == "course.yaml"}
    assert found == {"unused_event", "unknown_name"}


def test_the_digest_changes_with_the_course(copied: Path) -> None:
    before = load_patterns(copied).digest
    change(copied, "at_most: 12 weeks", "at_most: 13 weeks")
    assert load_patterns(copied).digest != before


def test_a_set_with_a_case_definition_of_its_own_does_not_inherit_the_course(copied: Path) -> None:
    (copied / "course.yaml").unlink()
    assert load_patterns(copied).course.rules == []
    result = Extractor.load(copied).extract(
        Report("MRI LEFT HIP. Marrow oedema of the femoral head.")
    )
    assert result.assessment.atoms == {}


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("XR PELVIS. Osteopenia of the left femoral head.", {"left", "right"}),
        ("XR LEFT HIP. Osteopenia of the left femoral head.", {"left"}),
        ("XR LEFT HIP. No fracture of the right hip.", {"left", "right"}),
        ("XR BOTH HIPS. No fracture.", {"left", "right"}),
        ("XR HIP. No fracture.", {"unspecified"}),
        ("XR PELVIS. Normal.", {"unspecified"}),
        ("MRI LEFT HIP. Abandoned. Non-diagnostic.", set()),
        ("DXA LEFT HIP. T-score -2.", set()),
        ("CHEST RADIOGRAPH. Clear.", set()),
    ],
)  # fmt: skip
def test_atoms_are_kept_for_each_hip_that_the_study_shows(
    extractor: Extractor, text: str, sides: set[str]
) -> None:
    atoms = extractor.extract(Report(text)).assessment.atoms
    assert set(atoms) - {"report"} >= sides
    assert set(atoms) <= {*sides, "report", "unspecified"}


def test_what_any_report_may_tell_is_kept_of_reports_that_show_no_hip(extractor: Extractor) -> None:
    read = extractor.extract(Report("OBSTETRIC ULTRASOUND. 33 weeks pregnant.")).assessment
    assert read.atoms == {"report": ("m4_pregnancy",)}
    told = Report("", None, Patient(pregnancy="postpartum"), Study("US"))
    assert extractor.pass_over(told).assessment.atoms == {"report": ("m4_pregnancy",)}
    assert extractor.pass_over(Report("", None, Patient(sex="F"))).assessment.atoms == {}


def test_the_kept_atoms_are_no_part_of_the_contract(extractor: Extractor) -> None:
    result = extractor.extract(Report("MRI LEFT HIP. Marrow oedema of the femoral head and neck."))
    assert "C1" in result.assessment.atoms["left"]
    assert "atoms" not in result.to_dict()["assessment"]
