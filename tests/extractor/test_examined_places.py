"""What an examination looked at is not yet where its finding is (clinical.md 3.4, 3.5)."""

from __future__ import annotations

import pytest

from extractor import Extractor, Report


def sited(extractor: Extractor, text: str, finding: str) -> list[tuple[tuple[str, ...], str]]:
    mentions = extractor.extract(Report(text)).mentions
    return [(one.sites, str(one.laterality)) for one in mentions if one.finding == finding]


@pytest.mark.parametrize(
    ("text", "finding", "expected"),
    [
        (
            "MRI of the left hip showed bone marrow oedema of the femoral head and neck.",
            "marrow_oedema",
            (("femoral_head", "femoral_neck"), "left"),
        ),
        (
            "Pelvis MRI revealed oedema within the right femoral head.",
            "marrow_oedema",
            (("femoral_head",), "right"),
        ),
        (
            "On CT of the pelvis there was osteopenia of the left femoral head.",
            "osteopenia",
            (("femoral_head",), "left"),
        ),
        (
            "X-rays of both hips reveal osteopenia of the neck of the right femur.",
            "osteopenia",
            (("femoral_neck",), "right"),
        ),
        # where the finding has no place of its own, it is where the examination looked
        ("MRI of the left hip showed marrow oedema.", "marrow_oedema", (("hip",), "left")),
        ("MRI of both hips showed effusion.", "effusion", (("hip_joint",), "bilateral")),
        (
            "The left femoral head showed marrow oedema.",
            "marrow_oedema",
            (("femoral_head",), "left"),
        ),
        # nor has it the two sides of the examination where one is said
        (
            "MRI of both hips revealed marrow oedema in the right femoral head and a small effusion.",
            "effusion",
            (("hip_joint",), "right"),
        ),
        (
            "MRI of the left hip showed an effusion, and the right hip is normal.",
            "effusion",
            (("hip_joint",), "left"),
        ),
    ],
)
def test_the_place_of_an_examination_gives_way_to_that_of_what_it_showed(
    extractor: Extractor, text: str, finding: str, expected: tuple[tuple[str, ...], str]
) -> None:
    assert sited(extractor, text, finding) == [expected]
