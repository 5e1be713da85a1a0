"""Statements whose second half leaves the name of the finding out."""

from __future__ import annotations

import pytest

from extractor import Extractor, Report

Told = tuple[str, str, str | None]


def told(extractor: Extractor, text: str, finding: str) -> list[Told]:
    """Return the status, side and size of each mention of the finding."""
    result = extractor.extract(Report(text))
    return [
        (str(one.status), str(one.laterality), one.severity)
        for one in result.mentions
        if one.finding == finding
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "There is a moderate joint effusion on the left, none on the right.",
            [("affirmed", "left", "moderate"), ("negated", "right", None)],
        ),
        (
            "Small effusion on the left but none on the right.",
            [("affirmed", "left", "small"), ("negated", "right", None)],
        ),
        (
            "Left hip effusion is small; right side none.",
            [("affirmed", "left", "small"), ("negated", "right", None)],
        ),
        (
            "Small effusion on the left; right hip dry.",
            [("affirmed", "left", "small"), ("negated", "right", None)],
        ),
        (
            "Large left hip effusion, small on the right.",
            [("affirmed", "left", "large"), ("affirmed", "right", "small")],
        ),
        (
            "There is a large left effusion and a small one on the right.",
            [("affirmed", "left", "large"), ("affirmed", "right", "small")],
        ),
        (
            "Small R effusion, trace L.",
            [("affirmed", "right", "small"), ("affirmed", "left", "trace")],
        ),
    ],
)
def test_a_size_or_none_on_a_side_is_of_the_effusion_that_was_named(
    extractor: Extractor, text: str, expected: list[Told]
) -> None:
    assert told(extractor, f"MRI hips. {text}", "effusion") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Effusion: R small, L moderate.",
            [("affirmed", "right", "small"), ("affirmed", "left", "moderate")],
        ),
        (
            "Effusion: R moderate, L nil.",
            [("affirmed", "right", "moderate"), ("negated", "left", None)],
        ),
        (
            "Effusion: right small, left none.",
            [("affirmed", "right", "small"), ("negated", "left", None)],
        ),
        (
            "Effusion: none on the right, moderate on the left.",
            [("negated", "right", None), ("affirmed", "left", "moderate")],
        ),
    ],
)
def test_a_field_has_a_value_for_each_side(
    extractor: Extractor, text: str, expected: list[Told]
) -> None:
    assert told(extractor, f"MRI HIPS\n{text}", "effusion") == expected


def test_the_value_right_behind_the_colon_is_part_of_the_field(extractor: Extractor) -> None:
    result = extractor.extract(Report("MRI HIPS\nEffusion: R nil."))
    assert [one.quote for one in result.mentions] == ["Effusion: R nil"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Marrow oedema of the right femoral head, nothing comparable on the left.",
            [("affirmed", "right"), ("negated", "left")],
        ),
        (
            "Marrow oedema in the right femoral head, milder changes in the left femoral head.",
            [("affirmed", "right"), ("affirmed", "left")],
        ),
        (
            "Marrow oedema in the right femoral head and, to a lesser extent, that in the left.",
            [("affirmed", "right"), ("affirmed", "left")],
        ),
        # across sentences
        (
            "Marrow oedema of the right femoral head. Similar changes in the left femoral head.",
            [("affirmed", "right"), ("affirmed", "left")],
        ),
        (
            (
                "The marrow oedema of the right femoral head has resolved. "
                "That of the left femoral head has increased."
            ),
            [("historical", "right"), ("affirmed", "left")],
        ),
    ],
)
def test_a_pronoun_stands_for_the_oedema_that_was_named(
    extractor: Extractor, text: str, expected: list[tuple[str, str]]
) -> None:
    found = told(extractor, f"MRI hips. {text}", "marrow_oedema")
    assert [(status, side) for status, side, _ in found] == expected


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        (
            (
                "Marrow oedema of the femoral head is unchanged, but that in the femoral neck "
                "has resolved."
            ),
            {"femoral_head": "unchanged", "femoral_neck": "resolved"},
        ),
        (
            "The oedema of the femoral head has increased; that of the femoral neck is unchanged.",
            {"femoral_head": "increased", "femoral_neck": "unchanged"},
        ),
        (
            "There is marrow oedema in the femoral head. That in the femoral neck has decreased.",
            {"femoral_head": None, "femoral_neck": "decreased"},
        ),
    ],
)
def test_a_pronoun_has_its_own_site_and_course(
    extractor: Extractor, text: str, changes: dict[str, str | None]
) -> None:
    mentions = extractor.extract(Report(f"MRI left hip. {text}")).mentions
    assert {site: one.change for one in mentions for site in one.sites} == changes


@pytest.mark.parametrize(
    "text",
    [
        "There is a labral tear on the left, none on the right.",
        "That in the femoral neck has decreased.",
        "Small on the right.",
    ],
)
def test_without_a_named_finding_there_is_none(extractor: Extractor, text: str) -> None:
    result = extractor.extract(Report(f"MRI hips. {text}"))
    assert [one for one in result.mentions if one.finding in {"effusion", "marrow_oedema"}] == []


@pytest.mark.parametrize(
    "text",
    [
        "No fluid.",
        "No joint fluid is seen.",
        "Nil excess fluid.",
        "No synovitis or fluid.",
        "The marrow is normal, without fluid.",
        "There is no fluid in the joint.",
    ],
)
@pytest.mark.parametrize("joint", ["hip", "knee"])
def test_a_denial_of_fluid_in_a_study_of_a_joint_denies_an_effusion(
    extractor: Extractor, joint: str, text: str
) -> None:
    found = told(extractor, f"MRI left {joint}. {text}", "effusion")
    assert found == [("negated", "left", None)]


@pytest.mark.parametrize(
    "text",
    [
        "MRI left hip. No fluid level.",
        "MRI left hip. No fluid collection.",
        "MRI left hip. No fluid in the bursa.",
        "CT abdomen. No fluid.",
        "Chest radiograph. No fluid.",
    ],
)
def test_a_denial_of_other_fluid_denies_no_effusion(extractor: Extractor, text: str) -> None:
    assert told(extractor, text, "effusion") == []
