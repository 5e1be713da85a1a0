"""What the title of an examination tells of findings whose words say less (clinical.md 3.4, 3.5)."""

from __future__ import annotations

import pytest

from extractor import Extractor, Report


def sited(extractor: Extractor, text: str, finding: str) -> list[tuple[tuple[str, ...], str]]:
    result = extractor.extract(Report(text))
    return [(one.sites, str(one.laterality)) for one in result.mentions if one.finding == finding]


@pytest.mark.parametrize(
    "title",
    [
        "EXAM: MRI RIGHT HIP WITHOUT CONTRAST",
        "Examination performed: MR right hip",
        "PROCEDURE:\nMRI right hip",
        "Accession 123\nEXAM: MRI Rt hip",
    ],
)
def test_the_value_of_a_label_is_the_title(extractor: Extractor, title: str) -> None:
    text = f"{title}\n\nFINDINGS:\nModerate joint effusion."
    assert sited(extractor, text, "effusion") == [(("hip_joint",), "right")]
    assert extractor.extract(Report(text)).study.in_scope


def test_a_label_below_the_head_names_no_examination(extractor: Extractor) -> None:
    text = (
        "MRI right hip.\n"
        + "The muscles are normal. " * 20
        + "\nEXAM: CT left hip\nSmall effusion."
    )
    assert extractor.extract(Report(text)).study.laterality == "right"


@pytest.mark.parametrize(
    ("text", "site"),
    [
        ("EXAM: MRI LUMBAR SPINE\nFINDINGS: No marrow edema.", "lumbar_spine"),
        ("MRI thoracic spine. Marrow oedema of the vertebral body.", "thoracic_spine"),
        ("MRI lumbar spine. Marrow oedema at L4-5.", "lumbar_spine"),
        ("MRI lumbar spine. Marrow oedema of T12.", "thoracic_spine"),
        ("MRI spine. Marrow oedema of the vertebral body.", "spine"),
    ],
)
def test_vertebrae_are_those_of_the_title_unless_the_text_says_which(
    extractor: Extractor, text: str, site: str
) -> None:
    assert sited(extractor, text, "marrow_oedema") == [((site,), "unspecified")]


@pytest.mark.parametrize(
    ("text", "site"),
    [
        ("MRI left foot. Effusion of the first metatarsophalangeal joint.", "joint"),
        ("MRI left ankle. Small subtalar effusion.", "joint"),
        ("MRI left ankle. Small tibiotalar effusion.", "ankle_joint"),
        ("MRI left elbow. Effusion of the radiocapitellar joint.", "elbow_joint"),
    ],
)
def test_fluid_of_a_small_joint_is_not_of_the_large_one_beside_it(
    extractor: Extractor, text: str, site: str
) -> None:
    assert sited(extractor, text, "effusion") == [((site,), "left")]


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("X-ray both hips. No effusion seen.", "bilateral"),
        ("MRI bilateral hips. Joint effusion: none.", "bilateral"),
        ("MRI pelvis. Both femoral heads are round. No effusion.", "unspecified"),
        ("MRI both hips. Small effusion, no fracture.", "unspecified"),
        ("MRI both hips. Normal muscles of the left hip. No effusion.", "left"),
        ("MRI pelvis. No joint effusion.", "unspecified"),
    ],
)
def test_what_is_denied_under_a_title_with_both_sides_is_denied_of_both(
    extractor: Extractor, text: str, side: str
) -> None:
    assert [found for _, found in sited(extractor, text, "effusion")] == [side]


def test_an_addendum_above_the_report_corrects_the_side_of_what_follows(
    extractor: Extractor,
) -> None:
    text = (
        "MRI RIGHT HIP\n\nADDENDUM: The side was incorrect. The findings below relate to the LEFT hip.\n\n"
        "FINDINGS: Marrow oedema of the femoral head."
    )
    assert sited(extractor, text, "marrow_oedema") == [(("femoral_head",), "left")]


@pytest.mark.parametrize(
    ("text", "site", "side"),
    [
        ("MRI Right Knee - marrow oedema of the medial tibial plateau.", "tibial_plateau", "right"),
        ("MRI left hip \u2013 marrow oedema.", "hip", "left"),
    ],
)
def test_a_title_ends_at_its_dash(extractor: Extractor, text: str, site: str, side: str) -> None:
    assert sited(extractor, text, "marrow_oedema") == [((site,), side)]


def test_what_stands_before_a_dash_and_states_something_is_no_title(extractor: Extractor) -> None:
    text = "MRI shows no effusion of the left hip - marrow oedema of the right femoral head."
    assert sited(extractor, text, "marrow_oedema") == [(("femoral_head",), "right")]
    assert extractor.extract(Report(text)).study.laterality != "left"


def test_bones_that_are_osteopenic_are_so_as_a_whole_beside_an_old_fracture(
    extractor: Extractor,
) -> None:
    text = "XR left hip - osteopenic bones, old healed # NOF."
    (osteopenia,) = [
        one for one in extractor.extract(Report(text)).mentions if one.finding == "osteopenia"
    ]
    assert (osteopenia.sites, osteopenia.extent) == (("hip",), "generalised")
