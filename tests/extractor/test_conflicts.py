"""Reports that contradict themselves are flagged for review."""

from __future__ import annotations

import pytest

from extractor import Extractor, Report

FLAG = "inconsistent_text"


def flags(extractor: Extractor, text: str) -> tuple[str, ...]:
    return extractor.extract(Report(text)).assessment.flags


@pytest.mark.parametrize(
    "text",
    [
        # the title names the other side
        "MRI RIGHT HIP. There is marrow oedema of the left femoral head and neck.",
        "MRI left hip.\nFindings: Moderate effusion of the right hip joint.",
        # a field and a sentence
        "MRI left hip.\nEffusion: none.\nImpression: Small joint effusion.",
        "MRI hips. No marrow oedema of the left femoral head. Impression: Left femoral head marrow oedema.",
    ],
)
def test_a_contradiction_is_flagged(extractor: Extractor, text: str) -> None:
    assert FLAG in flags(extractor, text)


@pytest.mark.parametrize(
    "text",
    [
        "MRI RIGHT HIP. There is marrow oedema of the right femoral head. The left hip is normal.",
        "MRI right hip. Marrow oedema in both femoral heads.",
        "MRI hips. Right femoral head marrow oedema. No marrow oedema of the left femoral head.",
        "MRI left hip. Marrow oedema of the femoral head. No marrow oedema of the acetabulum.",
        # the request and the past are no statements of this study
        "Clinical details: ?effusion.\nMRI left hip.\nFindings: No effusion.",
        "MRI left hip. The effusion has resolved. No effusion.",
    ],
)
def test_what_fits_together_is_not_flagged(extractor: Extractor, text: str) -> None:
    assert FLAG not in flags(extractor, text)


def test_a_corrected_side_is_told_as_such_and_not_as_a_contradiction(extractor: Extractor) -> None:
    text = (
        "MRI left hip. Marrow oedema of the left femoral head.\n"
        "ADDENDUM: Laterality error. The abnormality is in the right hip."
    )
    assert "addendum:laterality" in flags(extractor, text)
    assert FLAG not in flags(extractor, text)
