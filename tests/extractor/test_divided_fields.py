"""Fields whose value is told side by side on the lines below them (clinical.md 3.4, 3.5)."""

from __future__ import annotations

import pytest

from extractor import Extractor, Report


def told(extractor: Extractor, text: str, finding: str) -> list[tuple[str, str, tuple[str, ...]]]:
    result = extractor.extract(Report(f"MRI HIPS\n\n{text}"))
    found = [one for one in result.mentions if one.finding == finding]
    return [(str(one.status), str(one.laterality), one.sites) for one in found]


@pytest.mark.parametrize(
    "text",
    [
        "Joint effusion:\n Right: Moderate\n Left: Absent",
        "JOINT EFFUSION\nRight hip: moderate.\nLeft hip: none.",
        "Joint effusion:\n- Right: small effusion.\n- Left: no effusion.",
    ],
)
def test_each_side_below_a_field_has_its_own_value(extractor: Extractor, text: str) -> None:
    assert told(extractor, text, "effusion") == [
        ("affirmed", "right", ("hip_joint",)),
        ("negated", "left", ("hip_joint",)),
    ]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Joint effusion:\nNone.", "negated"),
        ("Joint effusion:\nNot seen\nLabrum:\nIntact", "negated"),
        ("Joint effusion:\nModerate.", "affirmed"),
    ],
)
def test_a_value_may_stand_on_the_line_below(extractor: Extractor, text: str, status: str) -> None:
    assert [said for said, _, _ in told(extractor, text, "effusion")] == [status]


def test_the_value_of_a_side_names_the_place(extractor: Extractor) -> None:
    text = "Bone marrow edema:\nRight: Present, femoral head and neck.\nLeft: None."
    assert told(extractor, text, "marrow_oedema") == [
        ("affirmed", "right", ("femoral_head", "femoral_neck")),
        ("negated", "left", ("hip",)),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Joint effusion:\nNone.\nRight: the labrum is torn.\nLeft: normal labrum.",
        "Joint effusion: none\nRight: the labrum is torn.\nLeft: normal labrum.",
        "No joint effusion.\nRight: the labrum is torn.\nLeft: normal labrum.",
    ],
)
def test_sides_below_a_field_that_has_its_value_are_not_of_it(
    extractor: Extractor, text: str
) -> None:
    assert [status for status, _, _ in told(extractor, text, "effusion")] == ["negated"]
