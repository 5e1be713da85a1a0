"""Labels inside a section: what they look like and how far they hold."""

from __future__ import annotations

import pytest

from extractor import Extractor, Report
from extractor.model import Section, SectionCategory
from extractor.text.sections import Label, find_labels

LONG = (
    "Coronal and axial STIR images together with coronal T1 weighted images of both hips "
    "were obtained, without contrast medium."
)


def labels(text: str) -> list[Label]:
    return find_labels(text, (Section(SectionCategory.FINDINGS, "", 0, len(text)),))


def sited(extractor: Extractor, text: str) -> list[tuple[str, tuple[str, ...], str]]:
    result = extractor.extract(Report(text))
    return [(one.finding, one.sites, str(one.laterality)) for one in result.mentions]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("MRI hips.\nLeft Hip\nThere is an effusion.", ["Left Hip"]),
        ("Normal.\n\nBones\nThere is no oedema.\n\nJoints\nDry.", ["Bones", "Joints"]),
        ("LEFT HIP\nThere is an effusion.\nRIGHT HIP\nDry.", ["LEFT HIP", "RIGHT HIP"]),
        ("Left hip: dry.\nRight hip: effusion.", ["Left hip", "Right hip"]),
        # the end of a running sentence, and the last line, head nothing
        ("There is an effusion of the\nLeft hip\nand no oedema.", []),
        ("There is an effusion.\nLeft hip", []),
    ],
)
def test_a_few_words_alone_on_a_line_are_a_label_without_its_colon(
    text: str, names: list[str]
) -> None:
    assert [label.text for label in labels(text)] == names


@pytest.mark.parametrize("layout", ["{}\n", "{}:\n", "\n{}\n", "1. {}: "])
def test_sentences_below_a_label_are_of_its_side(extractor: Extractor, layout: str) -> None:
    left, right = layout.format("Left hip"), layout.format("Right hip").replace("1", "2")
    text = (
        f"MRI of the hips.\n{left}There is marrow oedema of the femoral head. "
        f"There is a small effusion.\n{right}There is no effusion."
    )
    assert sited(extractor, text) == [
        ("marrow_oedema", ("femoral_head",), "left"),
        ("effusion", ("hip_joint",), "left"),
        ("effusion", ("hip_joint",), "right"),
    ]


@pytest.mark.parametrize(
    ("first_line", "held"),
    [
        ("MRI LEFT HIP.", "There is a moderate effusion."),
        (f"MRI LEFT HIP. {LONG}", ""),
    ],
)
def test_in_text_without_wraps_a_label_ends_with_its_line(first_line: str, held: str) -> None:
    text = f"{first_line}\nSacroiliac joints: normal.\nThere is a moderate effusion."
    label = labels(text)[-1]
    assert label.text == "Sacroiliac joints"
    assert text[text.index("There") : label.scope_end] == held


def test_in_text_without_wraps_a_label_does_not_take_the_next_line(extractor: Extractor) -> None:
    text = f"MRI LEFT HIP. {LONG}\nRight hip: no effusion.\nThere is a moderate effusion."
    assert [side for _, _, side in sited(extractor, text)] == ["right", "left"]


def test_a_label_on_its_own_line_holds_on_in_text_without_wraps(extractor: Extractor) -> None:
    text = f"MRI HIPS. {LONG}\nLeft hip:\nThe labrum is torn.\nEffusion.\nRight hip: Normal."
    assert sited(extractor, text) == [("effusion", ("hip_joint",), "left")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Effusion ..... none\nMarrow oedema ..... femoral head", ["negated", "affirmed"]),
        ("Marrow oedema ........ none\nEffusion ............. small", ["negated", "affirmed"]),
    ],
)
def test_dots_lead_from_a_field_to_its_value(
    extractor: Extractor, text: str, expected: list[str]
) -> None:
    mentions = extractor.extract(Report(f"MRI RIGHT HIP\n{text}")).mentions
    assert [str(one.status) for one in mentions] == expected


def test_a_label_that_names_the_finding_goes_with_its_value(extractor: Extractor) -> None:
    text = "MRI HIPS\nMarrow oedema: left femoral neck."
    assert sited(extractor, text) == [("marrow_oedema", ("femoral_neck",), "left")]


def statuses(extractor: Extractor, text: str) -> list[tuple[str, str]]:
    mentions = extractor.extract(Report(f"MRI BOTH HIPS.\n\n{text}")).mentions
    return [(one.finding, str(one.status)) for one in mentions]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Joint effusion: No significant joint effusion.", [("effusion", "negated")]),
        ("JOINT EFFUSION & LABRUM : Mild joint effusion noted.", [("effusion", "affirmed")]),
        ("Bone marrow oedema: No marrow oedema or fracture line.", [("marrow_oedema", "negated")]),
        ("Bone marrow oedema\nNo bone marrow oedema is seen.", [("marrow_oedema", "negated")]),
        ("Osteopenia:\nThere is no osteopenia.", [("osteopenia", "negated")]),
        ("Bone marrow oedema: marrow signal is normal.", [("marrow_oedema", "negated")]),
    ],
)
def test_a_label_whose_value_names_its_finding_is_no_mention(
    extractor: Extractor, text: str, expected: list[tuple[str, str]]
) -> None:
    assert statuses(extractor, text)[: len(expected)] == expected
    assert [name for name, _ in statuses(extractor, text)].count(expected[0][0]) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Joint effusion: None.", [("effusion", "negated")]),
        ("Marrow oedema: Present.", [("marrow_oedema", "affirmed")]),
        # the value stands before the second name, and a later sentence is another statement
        (
            "Effusion: moderate, larger than the effusion of the knee.",
            [("effusion", "affirmed"), ("effusion", "affirmed")],
        ),
        (
            "Marrow oedema: left femoral head. No oedema of the right femoral head.",
            [("marrow_oedema", "affirmed"), ("marrow_oedema", "negated")],
        ),
    ],
)
def test_a_label_with_a_value_of_its_own_is_the_mention(
    extractor: Extractor, text: str, expected: list[tuple[str, str]]
) -> None:
    assert statuses(extractor, text) == expected
