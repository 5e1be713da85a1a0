"""Where a finding is and on which side: by scope, not by the nearest word (clinical.md 3.4, 3.5)."""

from __future__ import annotations

import pytest

from extractor import Extractor, Report, Study


def sited(
    extractor: Extractor, text: str, finding: str, description: str | None = None
) -> list[tuple[tuple[str, ...], str]]:
    result = extractor.extract(Report(text, study=Study(description=description)))
    return [(one.sites, str(one.laterality)) for one in result.mentions if one.finding == finding]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Marrow oedema in the left femoral head and neck.",
            [(("femoral_head", "femoral_neck"), "left")],
        ),
        (
            "The right femoral head shows marrow oedema, extending into the intertrochanteric region.",
            [(("femoral_head", "intertrochanteric"), "right")],
        ),
        (
            "Marrow oedema of the left femoral head; the right femoral neck has marrow oedema too.",
            [(("femoral_head",), "left"), (("femoral_neck",), "right")],
        ),
        ("Marrow oedema in both femoral heads.", [(("femoral_head",), "bilateral")]),
        (
            "Oedema of the medial femoral condyle of the knee.",
            [(("medial_femoral_condyle",), "unspecified")],
        ),
        (
            "Marrow oedema of the left femoral neck with sparing of the femoral head.",
            [(("femoral_neck",), "left")],
        ),
    ],
)
def test_marrow_oedema_is_put_where_the_sentence_puts_it(
    extractor: Extractor, text: str, expected: list[tuple[tuple[str, ...], str]]
) -> None:
    assert sited(extractor, text, "marrow_oedema") == expected


@pytest.mark.parametrize(
    ("text", "site"),
    [
        ("MRI of the hip. Joint effusion.", "hip_joint"),
        ("Chest radiograph. Clear lungs. No effusion.", "pleura"),
        ("MRI knee. Small effusion. Menisci intact.", "knee_joint"),
        ("Small pericardial effusion.", "pericardium"),
        ("Moderate left hip joint effusion.", "hip_joint"),
        ("MRI left hip. Iliopsoas bursal effusion of the left hip.", "bone"),
    ],
)
def test_every_effusion_has_its_own_site(extractor: Extractor, text: str, site: str) -> None:
    assert [sites for sites, _ in sited(extractor, text, "effusion")] == [(site,)]


def test_the_title_gives_the_side_where_the_text_names_none(extractor: Extractor) -> None:
    assert sited(extractor, "MRI RIGHT HIP\nJoint effusion.", "effusion") == [
        (("hip_joint",), "right")
    ]
    assert sited(extractor, "Joint effusion.", "effusion", "MRI LEFT HIP") == [
        (("hip_joint",), "left")
    ]


def test_a_label_gives_its_side_to_the_lines_below(extractor: Extractor) -> None:
    text = "MRI hips\nRight hip:\nNormal marrow signal.\nNo effusion.\nLeft hip:\nSmall effusion.\n"
    assert [side for _, side in sited(extractor, text, "effusion")] == ["right", "left"]


def test_a_compared_side_is_not_the_findings_side(extractor: Extractor) -> None:
    text = "The left femoral head is demineralised compared with the right."
    assert sited(extractor, text, "osteopenia") == [(("femoral_head",), "left")]


def test_contralateral_is_the_other_side(extractor: Extractor) -> None:
    text = "Marrow oedema of the left femoral head. The contralateral hip has a joint effusion."
    assert sited(extractor, text, "effusion") == [(("hip_joint",), "right")]


def test_an_addendum_corrects_the_side_of_what_came_before(extractor: Extractor) -> None:
    text = (
        "IMPRESSION: Marrow oedema of the right femoral head and neck.\n"
        "ADDENDUM: Laterality error. The abnormality is in the LEFT hip."
    )
    result = extractor.extract(Report(text))
    assert result.mentions[0].laterality == "left"
    assert "addendum:laterality" in result.assessment.flags


def test_regional_and_generalised_osteopenia_are_told_apart(extractor: Extractor) -> None:
    def extent(text: str) -> str | None:
        return extractor.extract(Report(text)).mentions[0].extent

    assert extent("Osteopenia of the left femoral head.") == "regional"
    assert extent("Diffuse osteopenia of the left proximal femur.") == "regional"
    assert extent("The bones are osteopenic.") == "generalised"


@pytest.mark.parametrize(
    ("text", "finding", "expected"),
    [
        (
            "There is marrow oedema of the left acetabulum, most likely transient osteoporosis.",
            "itoh_diagnosis",
            (("hip",), "left"),
        ),
        (
            "Transient osteoporosis with marrow oedema of the right femoral head and neck.",
            "itoh_diagnosis",
            (("hip",), "right"),
        ),
        ("Left hip transient osteoporosis.", "itoh_diagnosis", (("hip",), "left")),
        (
            "Migratory osteoporosis of the left knee.",
            "migratory_osteoporosis",
            (("knee_joint",), "left"),
        ),
    ],
)
def test_the_diagnosis_takes_only_the_place_in_its_own_phrase(
    extractor: Extractor, text: str, finding: str, expected: tuple[tuple[str, ...], str]
) -> None:
    assert sited(extractor, f"MRI hips. {text}", finding) == [expected]


@pytest.mark.parametrize(
    ("text", "finding", "expected"),
    [
        (
            "Avascular necrosis of the right hip.",
            "avascular_necrosis",
            (("femoral_head",), "right"),
        ),
        ("AVN of both hips.", "avascular_necrosis", (("femoral_head",), "bilateral")),
        ("Collapse of the left hip.", "collapse", (("femoral_head",), "left")),
        ("Subchondral line in the left hip.", "subchondral_line", (("femoral_head",), "left")),
        # a place that is said exactly stays
        (
            "Avascular necrosis of the right femoral neck.",
            "avascular_necrosis",
            (("femoral_neck",), "right"),
        ),
    ],
)
def test_the_hip_stands_for_the_femoral_head_where_the_disease_is_one_of_the_head(
    extractor: Extractor, text: str, finding: str, expected: tuple[tuple[str, ...], str]
) -> None:
    assert sited(extractor, f"MRI hips. {text}", finding) == [expected]


@pytest.mark.parametrize(
    ("text", "finding", "expected"),
    [
        ("MRI hips. Septic arthritis of the right hip.", "infection", (("hip_joint",), "right")),
        ("MRI left knee. Septic arthritis.", "infection", (("knee_joint",), "left")),
        (
            "MRI hips. Septic arthritis with marrow oedema of the right femoral head.",
            "infection",
            (("hip_joint",), "right"),
        ),
        (
            "MRI hips. Osteomyelitis of the right femoral head.",
            "infection",
            (("femoral_head",), "right"),
        ),
        ("XR hips. Dislocation of the left hip.", "trauma", (("hip_joint",), "left")),
    ],
)
def test_a_disease_of_the_joint_is_put_at_the_joint_and_one_of_bone_in_the_bone(
    extractor: Extractor, text: str, finding: str, expected: tuple[tuple[str, ...], str]
) -> None:
    assert sited(extractor, text, finding) == [expected]


@pytest.mark.parametrize("text", ["Long term steroids.", "Alcohol excess.", "Sickle cell disease."])
def test_a_risk_factor_is_of_the_patient_and_has_no_site_and_no_side(
    extractor: Extractor, text: str
) -> None:
    assert sited(extractor, f"MRI LEFT HIP. {text}", "risk_factor") == [((), "unspecified")]


@pytest.mark.parametrize(
    ("text", "finding", "site"),
    [
        ("MRI left knee. No marrow oedema.", "marrow_oedema", "knee_joint"),
        ("XR left ankle. The bones are osteopenic.", "osteopenia", "ankle_joint"),
        ("MRI right shoulder. Small effusion.", "effusion", "shoulder_joint"),
    ],
)
def test_a_finding_without_a_place_is_at_the_joint_of_the_title(
    extractor: Extractor, text: str, finding: str, site: str
) -> None:
    assert [sites for sites, _ in sited(extractor, text, finding)] == [(site,)]


@pytest.mark.parametrize("other", ["iliopsoas bursa", "reduced head-neck offset", "acetabular cup"])
def test_what_no_finding_can_be_at_is_no_part_of_its_place(
    extractor: Extractor, other: str
) -> None:
    text = f"MRI left hip. Marrow oedema of the femoral neck and {other}."
    (mention,) = extractor.extract(Report(text)).mentions
    assert mention.sites == ("femoral_neck",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bones are osteopenic with an old fracture of the pubis.", ("hip",)),
        ("The bones are osteopenic, with a fracture of the left femoral neck.", ("hip",)),
        ("There is osteopenia with a fracture of the left femoral neck.", ("femoral_neck",)),
        ("Osteopenia with an old fracture of the left femoral neck.", ("femoral_neck",)),
        ("The femoral neck is osteopenic with a fracture of the pubis.", ("femoral_neck",)),
    ],
)
def test_what_is_said_of_the_bones_is_not_at_the_site_of_a_finding_with_it(
    extractor: Extractor, text: str, expected: tuple[str, ...]
) -> None:
    assert sited(extractor, f"XR HIPS. {text}", "osteopenia")[0][0] == expected


def test_the_part_that_is_named_behind_outranks_the_whole_in_which_there_is_something(
    extractor: Extractor,
) -> None:
    text = "MRI PELVIS. In the right hip there is marrow oedema of the femoral head and neck."
    assert sited(extractor, text, "marrow_oedema") == [(("femoral_head", "femoral_neck"), "right")]


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("Marrow oedema on both sides of the acromioclavicular joint.", "right"),
        ("Marrow oedema on either side of the left acromioclavicular joint.", "left"),
        ("Joint effusions on both sides.", "bilateral"),
    ],
)
def test_the_two_sides_of_a_joint_are_not_those_of_the_body(
    extractor: Extractor, text: str, side: str
) -> None:
    result = extractor.extract(Report(f"MRI RIGHT SHOULDER. {text}"))
    assert [str(one.laterality) for one in result.mentions] == [side]


@pytest.mark.parametrize(
    ("text", "sites"),
    [
        (
            "Marrow oedema in the right femoral head. This extends into the neck.",
            ("femoral_head", "femoral_neck"),
        ),
        (
            "Marrow oedema in the right femoral head. The signal abnormality also involves the neck.",
            ("femoral_head", "femoral_neck"),
        ),
        (
            "Marrow oedema in the right femoral head. Sclerosis. This extends into the neck.",
            ("femoral_head",),
        ),
        (
            "Marrow oedema in the right femoral head, and a tumour. This extends into the neck.",
            ("femoral_head",),
        ),
    ],
)
def test_a_sentence_that_goes_on_takes_the_finding_before_it_further(
    extractor: Extractor, text: str, sites: tuple[str, ...]
) -> None:
    assert sited(extractor, text, "marrow_oedema") == [(sites, "right")]


def test_a_finding_of_the_spine_is_none_of_the_hip(extractor: Extractor) -> None:
    text = "MRI right hip. Degenerative changes at L5/S1."
    assert sited(extractor, text, "degenerative")[0][0] == ("lumbar_spine",)
