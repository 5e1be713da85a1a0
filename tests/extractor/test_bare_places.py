"""A bare "epiphysis" is of the hip only where no other bone is named (clinical.md 3.4, 4.3 R0)."""

from __future__ import annotations

import pytest

from extractor import Extractor, Report


@pytest.mark.parametrize(
    ("text", "sites"),
    [
        ("MRI: marrow oedema of the distal tibial epiphysis.", ("tibia",)),
        ("Coronal MR image of the right proximal tibia shows oedema in the epiphysis.", ("tibia",)),
        ("Marrow oedema within the meta-epiphysis of the right proximal tibia.", ("tibia",)),
        ("Marrow oedema in the proximal humeral metaphysis.", ("humeral_head",)),
        ("Marrow oedema in the distal femoral metaphysis.", ("bone",)),
        ("Marrow oedema of the distal radial epiphysis.", ("bone",)),
    ],
)
def test_the_end_of_another_bone_is_no_place_of_the_hip(
    extractor: Extractor, text: str, sites: tuple[str, ...]
) -> None:
    result = extractor.extract(Report(text))
    assert [one.sites for one in result.mentions] == [sites]
    assert not result.study.in_scope


@pytest.mark.parametrize(
    ("text", "sites"),
    [
        ("Marrow oedema of the capital femoral epiphysis.", ("femoral_head",)),
        ("Marrow oedema of the femoral epiphysis.", ("femoral_head",)),
        (
            "MRI pelvis. Marrow oedema of the left femoral epiphysis and metaphysis.",
            ("femoral_head", "intertrochanteric"),
        ),
        ("MRI hip. Marrow oedema of the epiphysis.", ("femoral_head",)),
        ("Marrow oedema of the head and neck.", ("femoral_head", "femoral_neck")),
    ],
)
def test_the_end_of_the_proximal_femur_is(
    extractor: Extractor, text: str, sites: tuple[str, ...]
) -> None:
    result = extractor.extract(Report(text))
    assert [one.sites for one in result.mentions] == [sites]
    assert result.study.in_scope
