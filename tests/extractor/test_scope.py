"""What a history names is not what the study shows (clinical.md 3.9, 4.1, 4.3 R0)."""

from __future__ import annotations

import pytest

from extractor import Extractor, Report


@pytest.mark.parametrize(
    "text",
    [
        "HISTORY: hip pain. Barium enema shows diverticula.",
        "HISTORY: hip pain. Carotid duplex: no stenosis.",
        "Indication: prior left hip fracture. Mammogram: no mass.",
        "HPI: Weakness.\nPMH: Right hip fracture.\nCOURSE: Brain MRI normal.",
        "HPI: Chest pain.\nPast medical history: hip replacement.\nCOURSE: Coronary angiography: no stenosis.",
    ],
)
def test_a_hip_in_the_history_of_another_examination_makes_no_hip_study(
    extractor: Extractor, text: str
) -> None:
    assert not extractor.extract(Report(text)).study.in_scope


@pytest.mark.parametrize(
    "text",
    [
        "INDICATION: right hip pain. No fracture or dislocation. Joint space is preserved.",
        "HISTORY: hip pain, previous mammogram normal. FINDINGS: Marrow oedema.",
        "HISTORY: hip pain. FINDINGS: Marrow oedema in the femoral head.",
        "MRI LEFT HIP\nPMH: thyroid scan, carotid duplex.\nMarrow oedema of the femoral head.",
    ],
)
def test_a_hip_study_stays_one_whatever_its_history_names(extractor: Extractor, text: str) -> None:
    assert extractor.extract(Report(text)).study.in_scope
