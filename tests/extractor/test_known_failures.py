"""What is known to be read wrong. Each is strict: the change that mends one has to take it off this list."""

from __future__ import annotations

import pytest

from extractor import Extractor, Report

TARGETS = {"marrow_oedema", "osteopenia", "effusion"}
Reading = tuple[str, str, str, tuple[str, ...]]
"""Finding, status, side and sites."""


def readings(extractor: Extractor, text: str) -> list[Reading]:
    return [
        (one.finding, str(one.status), str(one.laterality), one.sites)
        for one in extractor.extract(Report(text)).mentions
        if one.finding in TARGETS
    ]


KNOWN: dict[str, tuple[str, list[Reading]]] = {
    "an exception is no mention of its own": (
        "MRI right hip. No marrow oedema apart from a small spot in the greater trochanter.",
        [
            ("marrow_oedema", "negated", "right", ("hip",)),
            ("marrow_oedema", "affirmed", "right", ("greater_trochanter",)),
        ],
    ),
    "'it' stands for no finding": (
        "MRI hips. Marrow oedema of the left femoral head has faded; on the right it has newly appeared.",
        [
            ("marrow_oedema", "affirmed", "left", ("femoral_head",)),
            ("marrow_oedema", "affirmed", "right", ("femoral_head",)),
        ],
    ),
    "'both' stands for no findings": (
        "MRI left hip. Comparison: MRI with effusion and marrow oedema. Findings: Both have cleared.",
        [
            ("effusion", "historical", "left", ("hip_joint",)),
            ("marrow_oedema", "historical", "left", ("hip",)),
            ("effusion", "historical", "left", ("hip_joint",)),
            ("marrow_oedema", "historical", "left", ("hip",)),
        ],
    ),
    "'neither' stands for no findings": (
        "MRI hips. Marrow oedema is seen in the right hip, as is a joint effusion; the left has neither.",
        [
            ("marrow_oedema", "affirmed", "right", ("hip",)),
            ("effusion", "affirmed", "right", ("hip_joint",)),
            ("marrow_oedema", "negated", "left", ("hip",)),
            ("effusion", "negated", "left", ("hip_joint",)),
        ],
    ),
    "a question and its answer are two sentences": (
        "Ultrasound left hip. Is there an effusion? None that I can find.",
        [("effusion", "negated", "left", ("hip_joint",))],
    ),
    "grades of research scores are no values": (
        "MRI left knee. MOAKS: BML medial femoral condyle 2, BML lateral femoral condyle 0.",
        [
            ("marrow_oedema", "affirmed", "left", ("medial_femoral_condyle",)),
            ("marrow_oedema", "negated", "left", ("lateral_femoral_condyle",)),
        ],
    ),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(*case, id=name, marks=pytest.mark.xfail(reason=name, strict=True))
        for name, case in KNOWN.items()
    ],
)
def test_known_to_be_read_wrong(extractor: Extractor, text: str, expected: list[Reading]) -> None:
    assert readings(extractor, text) == expected
