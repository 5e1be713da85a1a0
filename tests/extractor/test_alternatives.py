"""Two findings joined by "or" are both possible, where nothing else is said of them (clinical.md 3.7)."""

from __future__ import annotations

import pytest

from extractor import Extractor, Report


def read(extractor: Extractor, text: str) -> list[tuple[str, str]]:
    mentions = extractor.extract(Report(text)).mentions
    return [(one.finding, str(one.certainty or one.status)) for one in mentions]


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        (
            "Transient osteoporosis of the left hip or a stress fracture.",
            ["itoh_diagnosis", "fracture"],
        ),
        ("Transient osteoporosis/AVN of the hip.", ["itoh_diagnosis", "avascular_necrosis"]),
        (
            "AVN, transient osteoporosis of the hip, contusion or stress fracture.",
            ["avascular_necrosis", "itoh_diagnosis", "trauma", "fracture"],
        ),
        (
            "Consistent with AVN or transient osteoporosis of the hip.",
            ["avascular_necrosis", "itoh_diagnosis"],
        ),
        ("Right pleural effusion or scarring.", ["effusion"]),
        ("Atelectasis or small left effusion.", ["effusion"]),
    ],
)
def test_either_of_two_findings_is_only_possible(
    extractor: Extractor, text: str, findings: list[str]
) -> None:
    assert read(extractor, text) == [(finding, "possible") for finding in findings]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No AVN or fracture of the hip.", ["negated", "negated"]),
        ("AVN or fracture of the hip is not seen.", ["negated", "negated"]),
        ("MRI to exclude AVN or fracture of the hip.", ["hypothetical", "hypothetical"]),
        ("INDICATION: AVN or transient osteoporosis of the hip.", ["hypothetical"] * 2),
        ("History of AVN or fracture of the hip.", ["historical", "historical"]),
        ("Probable transient osteoporosis or AVN of the hip.", ["likely", "likely"]),
        ("Transient osteoporosis of the hip or less likely AVN.", ["affirmed", "unlikely"]),
        ("Marrow oedema of the femoral head or neck.", ["affirmed"]),
        ("Mild or moderate hip effusion.", ["affirmed"]),
        ("Hip effusion with or without fracture.", ["affirmed", "negated"]),
        # two names of one disease
        (
            "Transient osteoporosis of the hip or bone marrow oedema syndrome.",
            ["affirmed", "affirmed"],
        ),
        (
            "Transient osteoporosis of the hip or regional migratory osteoporosis.",
            ["affirmed", "affirmed"],
        ),
        # a stroke between observations lists them
        ("Marrow oedema/osteopenia of the femoral head.", ["affirmed", "affirmed"]),
        # what the choice explains is seen
        (
            "Marrow oedema of the femoral head, contusion or transient osteoporosis.",
            ["affirmed", "possible", "possible"],
        ),
    ],
)
def test_what_is_told_of_a_choice_outranks_it(
    extractor: Extractor, text: str, expected: list[str]
) -> None:
    assert [told for _, told in read(extractor, text)] == expected
