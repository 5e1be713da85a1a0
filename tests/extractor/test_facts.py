"""Who the patient is and what the study shows: metadata first, then the text."""

from __future__ import annotations

import pytest

from extractor import Extractor, Patient, Report, Study


@pytest.mark.parametrize(
    ("text", "age", "sex"),
    [
        ("47-year-old man with hip pain.", 47, "M"),
        ("47 year old woman.", 47, "F"),
        ("44M, hip pain.", 44, "M"),
        ("72F. Fall.", 72, "F"),
        ("Aged 51.", 51, None),
        ("This 38 y/o male presents with pain.", 38, "M"),
        ("Pain for 5 years.", None, None),
        ("MRI 3 years ago.", None, None),
        ("MR right hip. 52-year-old with pain.", 52, None),
        ("Mr Doe, 52-year-old with pain.", 52, "M"),
        ("Ms Doe, 52-year-old with pain.", 52, "F"),
    ],
)
def test_age_and_sex_are_read_from_the_text(
    extractor: Extractor, text: str, age: int | None, sex: str | None
) -> None:
    patient = extractor.extract(Report(text)).patient
    assert (patient.age_years, patient.sex) == (age, sex)


@pytest.mark.parametrize(
    ("text", "pregnancy"),
    [
        ("32 weeks pregnant, hip pain.", "pregnant"),
        ("G2P1, third trimester.", "pregnant"),
        ("Six weeks postpartum.", "postpartum"),
        ("Not pregnant.", None),
        ("Hip pain.", None),
    ],
)
def test_pregnancy_is_read_from_the_text(
    extractor: Extractor, text: str, pregnancy: str | None
) -> None:
    assert extractor.extract(Report(text)).patient.pregnancy == pregnancy


def test_the_metadata_is_not_overruled_by_the_text(extractor: Extractor) -> None:
    given = Patient(age_years=50, sex="F")
    patient = extractor.extract(Report("47-year-old man.", patient=given)).patient
    assert (patient.age_years, patient.sex) == (50, "F")


@pytest.mark.parametrize(
    ("text", "expected"), [("No injury.", True), ("After a fall.", False), ("Hip pain.", None)]
)
def test_onset_is_read(extractor: Extractor, text: str, *, expected: bool | None) -> None:
    assert extractor.extract(Report(text)).patient.onset_atraumatic is expected


@pytest.mark.parametrize(
    ("description", "text", "in_scope"),
    [
        ("MRI LEFT HIP", "Normal.", True),
        ("XR PELVIS", "Normal.", True),
        ("MRI LEFT KNEE", "Menisci intact. Hip pain.", False),
        (None, "Chest radiograph. Clear lungs.", False),
        (None, "The femoral heads are normal.", True),
    ],
)
def test_only_studies_of_the_hip_are_in_scope(
    extractor: Extractor, description: str | None, text: str, *, in_scope: bool
) -> None:
    result = extractor.extract(Report(text, study=Study(description=description)))
    assert result.study.in_scope is in_scope


def test_an_abbreviation_is_no_ordinary_word(extractor: Extractor) -> None:
    assert extractor.extract(Report("Mr Smith. Let us know. Hip normal.")).study.modality is None
    assert extractor.extract(Report("US left hip. No effusion.")).study.modality == "US"


def test_a_densitometry_and_an_abandoned_scan_are_told(extractor: Extractor) -> None:
    dxa = extractor.extract(Report("DXA of the hip. T-score -1.8, osteopenia."))
    assert dxa.study.is_densitometry
    assert dxa.mentions[0].method == "DXA"
    abandoned = extractor.extract(Report("MRI hips. The study was abandoned."))
    assert abandoned.study.is_nondiagnostic


@pytest.mark.parametrize(
    ("text", "side"),
    [
        # the first sentence, where it names the examination
        ("Left hip MRI. Marrow oedema of the femoral head.", "left"),
        ("MRI left hip. The right hip was scanned for comparison.", "left"),
        ("MRI Lt. hip. Moderate joint effusion.", "left"),
        # side and place alone
        ("Right hip. There is a small joint effusion.", "right"),
        ("Left knee\nSmall joint effusion.", "left"),
        # a statement is no title
        ("The left hip is painful. Small effusion.", "unspecified"),
        ("Effusion of the left hip. No fracture.", "unspecified"),
    ],
)
def test_the_first_sentence_is_the_title_where_it_names_the_study(
    extractor: Extractor, text: str, side: str
) -> None:
    assert extractor.extract(Report(text)).study.laterality == side


@pytest.mark.parametrize(
    ("description", "text", "expected"),
    [
        (None, "DXA of the lumbar spine and hip. Osteopenia.", True),
        ("DXA hip", "Osteopenia.", True),
        (None, "MRI left hip. Osteopenia of the femoral head. DXA advised.", False),
        ("XR PELVIS", "The bones are osteopenic. Densitometry is recommended.", False),
    ],
)
def test_only_the_title_makes_a_densitometry(
    extractor: Extractor, description: str | None, text: str, *, expected: bool
) -> None:
    result = extractor.extract(Report(text, study=Study(description=description)))
    assert result.study.is_densitometry is expected
    assert [one.method for one in result.mentions] == ["DXA" if expected else None]


@pytest.mark.parametrize(
    ("text", "in_scope"),
    [
        ("Whole body MRI. Marrow oedema in the left femoral head. No pleural effusion.", True),
        ("Bone scan. Increased uptake in the right femoral head.", True),
        ("Bone scan. Increased uptake in the left knee.", False),
        ("Whole body MRI. Indication: hip pain. Findings: The spine is normal.", False),
        ("CT chest. Pleural effusion. The left femoral head is not shown.", False),
    ],
)
def test_a_study_of_the_whole_body_is_in_scope_where_it_tells_of_the_hip(
    extractor: Extractor, text: str, *, in_scope: bool
) -> None:
    assert extractor.extract(Report(text)).study.in_scope is in_scope


@pytest.mark.parametrize(
    ("text", "in_scope"),
    [
        ("MRI. Marrow oedema of the head and neck. No AVN.", True),
        ("MRI. Diffuse marrow oedema. Appearances favour transient osteoporosis.", True),
        ("MRI. Groin pain. There is marrow oedema.", True),
        ("MRI. Marrow oedema. No fracture.", False),
        ("MRI knee. Marrow oedema of the lateral femoral condyle. No osteonecrosis.", False),
        ("XR right shoulder. No avascular necrosis.", False),
    ],
)
def test_the_name_of_a_disease_of_the_hip_hints_at_the_region_where_no_word_names_one(
    extractor: Extractor, text: str, *, in_scope: bool
) -> None:
    assert extractor.extract(Report(text)).study.in_scope is in_scope
