"""The case definition R0 to R8 (clinical.md 4.3): each rule reached by a text of its own."""

from __future__ import annotations

import pytest

from extractor import Extractor, Patient, Report

MAN = Patient(age_years=45, sex="M")
CORE = "MRI LEFT HIP. Marrow oedema of the left femoral head and neck."


@pytest.mark.parametrize(
    ("text", "rule", "level"),
    [
        ("MRI LEFT ANKLE. Regional migratory osteoporosis of the talus.", "R0n", "possible"),
        ("Chest radiograph. Clear lungs. No pleural effusion.", "R0", "not_assessable"),
        ("DXA left hip. T-score -1.2, osteopenia.", "R0", "not_assessable"),
        (f"{CORE} Transient osteoporosis. Avascular necrosis is present.", "R1a", "possible"),
        (f"{CORE} Consistent with transient osteoporosis of the left hip.", "R1b", "stated"),
        (f"{CORE} No features of transient osteoporosis.", "R2", "unlikely"),
        ("MRI LEFT HIP. No evidence of transient osteoporosis.", "R2", "none"),
        (
            f"{CORE} Likely transient osteoporosis. Femoral neck fracture is present.",
            "R3a",
            "probable",
        ),
        (
            f"{CORE} Possible transient osteoporosis. Probable avascular necrosis.",
            "R3b",
            "possible",
        ),
        (f"{CORE} Avascular necrosis of the left femoral head.", "R3c", "unlikely"),
        ("MRI LEFT HIP. Avascular necrosis of the left femoral head.", "R3c", "none"),
        (f"{CORE} Severe osteoarthritis. Likely transient osteoporosis.", "R3d", "possible"),
        (f"{CORE} Severe osteoarthritis.", "R3e", "unlikely"),
        ("MRI LEFT HIP. Severe osteoarthritis.", "R3e", "none"),
        ("MRI LEFT HIP. Likely transient osteoporosis of the left hip.", "R4", "probable"),
        (
            f"{CORE} Small effusion. No fracture. Possible transient osteoporosis.",
            "R5a",
            "probable",
        ),
        ("MRI LEFT HIP. Possible transient osteoporosis.", "R5b", "possible"),
        (f"{CORE} Transient osteoporosis is less likely.", "R5c", "possible"),
        (f"{CORE} Moderate effusion. No avascular necrosis.", "R6a", "probable"),
        (f"{CORE} Moderate effusion. No fracture. Subchondral line.", "R6b", "possible"),
        ("MRI LEFT HIP. Marrow oedema of the left femoral head.", "R6b", "possible"),
        (
            "MRI LEFT HIP. The marrow oedema of the left femoral head has resolved.",
            "R6c",
            "possible",
        ),
        ("MRI LEFT HIP. Marrow oedema of the left acetabulum.", "R7", "unlikely"),
        ("MRI LEFT HIP. Normal marrow signal. No effusion.", "R8", "none"),
    ],
)
def test_each_rule_is_reached(extractor: Extractor, text: str, rule: str, level: str) -> None:
    assessment = extractor.extract(Report(text)).assessment
    assert (assessment.rule, assessment.level) == (rule, level)


def test_the_shipped_rules_are_those_of_the_definition(extractor: Extractor) -> None:
    ids = list(dict.fromkeys(rule.id for rule in extractor.patterns.case.rules))
    assert ids == [
        "R0n", "R0", "R1a", "R1b", "R2", "R3a", "R3b", "R3c", "R3d", "R3e", "R4",
        "R5a", "R5b", "R5c", "R6a", "R6b", "R6c", "R7", "R8",
    ]  # fmt: skip


def test_evidence_names_atoms_and_the_mentions_that_hold_them(extractor: Extractor) -> None:
    result = extractor.extract(Report(f"{CORE} Moderate effusion. No fracture.", patient=MAN))
    left = result.assessment.sides["left"]
    assert [one.atom for one in left.core] == ["C1"]
    assert [one.atom for one in left.minor] == ["m1", "m3", "m4"]
    by_id = {mention.id: mention for mention in result.mentions}
    assert [by_id[number].finding for number in left.minor[0].mentions] == ["effusion"]
    assert left.minor[2].mentions == ()


def test_what_is_missing_names_what_would_lift_the_side(extractor: Extractor) -> None:
    result = extractor.extract(Report("MRI LEFT HIP. Osteopenia of the left femoral head."))
    left = result.assessment.sides["left"]
    assert left.level == "possible"
    assert "C1" in left.missing
    assert "C3" in left.missing


def test_evidence_and_opposition_of_two_hips_are_kept_apart(extractor: Extractor) -> None:
    text = (
        "MRI HIPS. Avascular necrosis of the right femoral head. "
        "Transient osteoporosis of the left hip."
    )
    assessment = extractor.extract(Report(text)).assessment
    assert (assessment.level, assessment.side) == ("stated", "left")
    assert assessment.sides["right"].level == "none"


def test_a_relatives_disease_is_no_evidence(extractor: Extractor) -> None:
    text = (
        "MRI LEFT HIP. Family history of transient osteoporosis of the hip. Normal marrow signal."
    )
    assert extractor.extract(Report(text)).assessment.level == "none"


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("MRI LEFT HIP. Soft tissue oedema.", "none"),
        ("MRI LEFT HIP. Marrow oedema of the greater trochanter.", "none"),
        ("MRI LEFT HIP. Trace effusion.", "none"),
    ],
)
def test_what_is_no_evidence_gives_no_level(extractor: Extractor, text: str, level: str) -> None:
    assert extractor.extract(Report(text)).assessment.level == level


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("The right hip is normal. Transient osteoporosis.", {"left": "stated", "right": "none"}),
        (
            "Normal marrow signal of the right hip.\nIMPRESSION: Probable transient osteoporosis.",
            {"left": "probable", "right": "none"},
        ),
        # what is said of both, or of neither by its side, stays with both
        (
            "The right hip is normal.\nIMPRESSION: Transient osteoporosis of both hips.",
            {"left": "stated", "right": "stated"},
        ),
        (
            "Small right hip effusion.\nIMPRESSION: Transient osteoporosis.",
            {"left": "stated", "right": "stated"},
        ),
        # a side that has findings of its own is not cleared
        (
            "Oedema of the right femoral head. No osteopenia of the right hip.\nIMPRESSION: Transient osteoporosis.",
            {"left": "stated", "right": "stated"},
        ),
    ],
)
def test_a_diagnosis_without_a_side_is_not_of_a_hip_stated_normal(
    extractor: Extractor, text: str, levels: dict[str, str]
) -> None:
    whole = f"MRI BOTH HIPS. Oedema of the left femoral head and neck. {text}"
    sides = extractor.extract(Report(whole)).assessment.sides
    assert {side: str(one.level) for side, one in sides.items()} == levels
