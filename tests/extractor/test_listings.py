"""What stands in a list under "Differential diagnosis" is only possible (clinical.md 3.7)."""

from __future__ import annotations

import pytest

from extractor import Extractor, Report

_SEEN = "MRI left hip. Marrow oedema of the femoral head.\n"


def told(extractor: Extractor, text: str) -> list[tuple[str, str]]:
    mentions = extractor.extract(Report(_SEEN + text)).mentions
    return [(one.finding, str(one.certainty or one.status)) for one in mentions[1:]]


@pytest.mark.parametrize(
    "text",
    [
        "Differential diagnoses:\n- Transient osteoporosis of the hip\n- AVN",
        "DIFFERENTIAL DIAGNOSIS:\n\n1. Transient osteoporosis of the hip.\n2. AVN.",
        "DIFFERENTIAL DIAGNOSIS\nTransient osteoporosis of the hip\nAVN",
        "Differential diagnosis (in order of likelihood):\n1) Transient osteoporosis\n2) AVN",
        "Differentials include the following:\n* Transient osteoporosis\n* AVN",
        "Differential considerations are as follows: transient osteoporosis; early AVN.",
        "D/D: 1. Transient osteoporosis of the hip. 2. Early AVN.",
        "DDx. Transient osteoporosis, early AVN.",
        "DD: TOH; AVN",
    ],
)
def test_each_item_of_a_differential_is_possible(extractor: Extractor, text: str) -> None:
    assert told(extractor, text) == [
        ("itoh_diagnosis", "possible"),
        ("avascular_necrosis", "possible"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "DDx: TOH. Small joint effusion.",
            [("itoh_diagnosis", "possible"), ("effusion", "affirmed")],
        ),
        (
            "Differential diagnosis:\n- TOH\n- AVN\n\nSmall joint effusion.",
            [
                ("itoh_diagnosis", "possible"),
                ("avascular_necrosis", "possible"),
                ("effusion", "affirmed"),
            ],
        ),
        (
            "IMPRESSION:\n1. Osteopenia. DDx: TOH.\n2. Small joint effusion.",
            [("osteopenia", "affirmed"), ("itoh_diagnosis", "possible"), ("effusion", "affirmed")],
        ),
        (
            "Differential diagnosis:\nAVN.\nDIAGNOSIS:\nTransient osteoporosis of the hip.",
            [("avascular_necrosis", "possible"), ("itoh_diagnosis", "affirmed")],
        ),
        (
            "Differential diagnosis:\n1. TOH (most likely)\n2. AVN (unlikely)",
            [("itoh_diagnosis", "likely"), ("avascular_necrosis", "negated")],
        ),
        ("Diagnosis: AVN.", [("avascular_necrosis", "affirmed")]),
    ],
)
def test_a_differential_ends_where_its_list_does_and_what_an_item_says_outranks_it(
    extractor: Extractor, text: str, expected: list[tuple[str, str]]
) -> None:
    assert told(extractor, text) == expected
