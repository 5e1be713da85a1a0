"""Which side a finding is on where a sentence, a section or the whole report names several."""

from __future__ import annotations

import pytest

from extractor import Extractor, Report


def sides(extractor: Extractor, text: str, finding: str = "effusion") -> list[str]:
    result = extractor.extract(Report(text))
    return [str(one.laterality) for one in result.mentions if one.finding == finding]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("Moderate left and small right effusions.", "effusion"),
        ("There are small right and moderate left hip joint effusions.", "effusion"),
        ("Left and right sided effusions.", "effusion"),
        ("Mild right and severe left marrow oedema.", "marrow_oedema"),
    ],
)
def test_sides_that_share_a_noun_are_both(extractor: Extractor, text: str, finding: str) -> None:
    assert sides(extractor, f"MRI hips. {text}", finding) == ["bilateral"]


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("In the hips there is an effusion on the left.", "left"),
        ("Of the two hips only the right hip holds an effusion.", "right"),
        ("Both hips were imaged and there is a right effusion.", "right"),
        ("Small left effusion; the hips are otherwise normal.", "left"),
    ],
)
def test_a_side_next_to_the_finding_is_stronger_than_the_plural_of_a_place(
    extractor: Extractor, text: str, side: str
) -> None:
    assert sides(extractor, f"MRI pelvis. {text}") == [side]


def test_the_plural_of_a_place_is_both_sides_where_no_other_is_said(extractor: Extractor) -> None:
    assert sides(extractor, "MRI pelvis. Effusion of the hips.") == ["bilateral"]
    assert sides(extractor, "MRI pelvis. Neither hip shows an effusion.") == ["bilateral"]


@pytest.mark.parametrize(
    "text",
    [
        "The left side is normal and there is marrow oedema of the right femoral head.",
        "The left side is quiet and the right femoral neck shows marrow oedema.",
        "The right femoral head is abnormal. The left side is clear and the marrow oedema is mild.",
    ],
)
def test_a_settled_side_says_nothing_of_what_follows(extractor: Extractor, text: str) -> None:
    assert sides(extractor, f"MRI pelvis. {text}", "marrow_oedema") == ["right"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # against the label above, not against what was spoken of last
        (
            "Left hip:\nMarrow oedema.\nRight hip:\nDry. The contralateral hip has an effusion.",
            ["left"],
        ),
        (
            "Right hip:\nSmall effusion. The contralateral hip has a large effusion.",
            ["right", "left"],
        ),
        # without a label, against the sentence before
        ("The left femoral head is normal. The contralateral hip has an effusion.", ["right"]),
    ],
)
def test_contralateral_is_the_other_side_of_its_own_label(
    extractor: Extractor, text: str, expected: list[str]
) -> None:
    assert sides(extractor, f"MRI hips\n{text}") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            (
                "The right femoral head is abnormal. The labrum is torn. There is a joint effusion. "
                "The left hip is normal. There is no joint effusion."
            ),
            ["right", "left"],
        ),
        # another part of the body has another side
        (
            (
                "The right femoral head is abnormal. There is a cyst of the left ovary. "
                "There is a joint effusion."
            ),
            ["right"],
        ),
    ],
)
def test_without_a_side_it_is_the_one_that_the_section_talked_of_before(
    extractor: Extractor, text: str, expected: list[str]
) -> None:
    assert sides(extractor, f"MRI pelvis. {text}") == expected


def test_what_one_section_talked_of_does_not_reach_the_next(extractor: Extractor) -> None:
    text = (
        "MRI hips.\nFindings: The right femoral head is abnormal. The left hip is normal.\n"
        "Impression: Small joint effusion."
    )
    assert sides(extractor, text) == ["unspecified"]


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("XR LEFT HIP. The bones are osteopenic.", "left"),
        ("XR RIGHT HIP. Osteopenia. The left hip has been replaced.", "right"),
        ("XR PELVIS. Osteopenia. Left total hip replacement in situ.", "unspecified"),
        ("XR PELVIS. The bones are osteopenic. Fracture of the left pubic ramus.", "unspecified"),
        ("XR RIGHT HIP. Osteopenia of the left femoral head.", "left"),
    ],
)
def test_what_is_said_of_the_skeleton_as_a_whole_has_the_side_of_the_title_or_none(
    extractor: Extractor, text: str, side: str
) -> None:
    assert sides(extractor, text, "osteopenia") == [side]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("R: small effusion. L: no effusion.", ["right", "left"]),
        ("Effusion (R) is small.", ["right"]),
        ("Trace L effusion.", ["left"]),
        ("Small R effusion, trace L.", ["right", "left"]),
        ("R hip effusion.", ["right"]),
    ],
)
def test_a_letter_is_a_side_beside_a_sign_a_size_or_a_place(
    extractor: Extractor, text: str, expected: list[str]
) -> None:
    assert sides(extractor, f"MRI hips\n{text}") == expected


@pytest.mark.parametrize(
    "text",
    ["Marrow oedema at L5/S1.", "L5-S1 disc degeneration with marrow oedema and L/S stenosis."],
)
def test_the_letter_of_a_vertebra_is_no_side(extractor: Extractor, text: str) -> None:
    assert sides(extractor, f"MRI lumbar spine. {text}", "marrow_oedema") == ["unspecified"]


@pytest.mark.parametrize(
    "text",
    [
        "Marrow oedema on both sides of the hip joint.",
        "Marrow oedema on either side of the joint.",
        "Marrow oedema is confirmed in both planes.",
        "Marrow oedema is seen in either projection.",
    ],
)
def test_both_sides_of_a_joint_and_both_planes_are_no_sides(
    extractor: Extractor, text: str
) -> None:
    assert sides(extractor, f"MRI left hip. {text}", "marrow_oedema") == ["left"]


@pytest.mark.parametrize(
    "addendum",
    [
        "In the report above, right should read left.",
        "Right hip should read left hip.",
        "The word right is an error; the affected hip is the left.",
        'Laterality error: "right" was incorrect, all findings are in the left hip.',
        "The side was dictated incorrectly. All findings are on the left, not the right.",
    ],
)
def test_a_wrong_side_that_an_addendum_quotes_is_not_the_one_it_corrects_to(
    extractor: Extractor, addendum: str
) -> None:
    text = f"MRI hips.\nFindings: Effusion of the right hip.\nAddendum: {addendum}"
    assert sides(extractor, text) == ["left"]


def test_an_addendum_with_a_date_corrects_the_side_as_well(extractor: Extractor) -> None:
    text = (
        "MRI hips.\nFINDINGS: Effusion of the right hip.\n"
        "ADDENDUM 20/09/2013: The right side was dictated in error. The effusion is on the left."
    )
    result = extractor.extract(Report(text))
    assert {str(one.laterality) for one in result.mentions} == {"left"}
    assert "addendum:laterality" in result.assessment.flags


@pytest.mark.parametrize(
    "other",
    [
        "; the right hip shows normal marrow.",
        ", whereas the contralateral hip shows normal marrow.",
        ", while the right side has normal marrow signal.",
        ", compared with normal marrow signal on the right.",
        ", in contrast to the normal fatty marrow of the right hip.",
    ],
)
def test_the_normal_other_side_leaves_the_abnormal_one(extractor: Extractor, other: str) -> None:
    text = f"MRI HIPS. High STIR signal in the left femoral head and neck{other}"
    told = [(one.status, str(one.laterality)) for one in extractor.extract(Report(text)).mentions]
    assert told == [("uncertain", "left"), ("negated", "right")]


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("Low signal line at the left femoral neck, with marrow oedema on either side.", "left"),
        (
            "Fracture line of the right femoral neck with marrow oedema on both sides of it.",
            "right",
        ),
        ("Marrow oedema of the femoral necks on either side.", "bilateral"),
        ("No fracture line. Marrow oedema of the hip on both sides.", "bilateral"),
        ("No fracture line and no marrow oedema of the hip on either side.", "bilateral"),
    ],
)
def test_the_sides_of_a_line_are_not_those_of_the_body(
    extractor: Extractor, text: str, side: str
) -> None:
    mentions = extractor.extract(Report(f"MRI hips. {text}")).mentions
    assert [one.laterality for one in mentions if one.finding == "marrow_oedema"] == [side]


@pytest.mark.parametrize("label", ["Opposite hip", "Contralateral hip", "Asymptomatic side"])
def test_a_label_for_the_other_side_is_read_against_what_is_above_it(
    extractor: Extractor, label: str
) -> None:
    text = f"MRI LEFT HIP\nSmall effusion.\n{label}: No effusion. No fracture. No marrow oedema."
    sides = [str(one.laterality) for one in extractor.extract(Report(text)).mentions]
    assert sides == ["left", "right", "right", "right"]


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("Oedema of the left femoral neck. The right hip is normal. Small effusion.", "left"),
        ("Oedema of the left femoral neck. The right hip is swollen. Small effusion.", "right"),
    ],
)
def test_a_hip_that_is_said_to_be_normal_is_not_gone_on_about(
    extractor: Extractor, text: str, side: str
) -> None:
    assert sides(extractor, f"MRI PELVIS. {text}", "effusion") == [side]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Moderate right pleural effusion. The effusion has increased.", ["right", "right"]),
        ("Moderate right pleural effusion. Pleural effusion.", ["right", "unspecified"]),
        ("Small bilateral pleural effusions. The effusion is new.", ["bilateral", "unspecified"]),
        ("There is a pacemaker on the left. The pleural effusion is new.", ["unspecified"]),
    ],
)
def test_an_effusion_that_is_taken_up_again_keeps_its_side(
    extractor: Extractor, text: str, expected: list[str]
) -> None:
    assert sides(extractor, f"CHEST RADIOGRAPH. {text}") == expected
