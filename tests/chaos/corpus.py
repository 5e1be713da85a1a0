"""Reports for the suite: seeded, each another one, short, with something to find in most."""

from __future__ import annotations

import random
from typing import Any

SEED = 20261126
_FINDINGS = (
    "Extensive bone marrow oedema of the {side} femoral head and neck.",
    "No bone marrow edema on the {side}.",
    "Moderate joint effusion of the {side} hip.",
    "No effusion. No subchondral fracture line.",
    "The marrow signal of the {side} femur is normal.",
    "Osteopenia of the {side} proximal femur.",
    "Possible avascular necrosis of the {side} femoral head.",
    "Mild degenerative change of the {side} hip joint.",
    "Small pleural effusion at the base of the {side} lung.",
    "Previous marrow oedema of the {side} hip has resolved.",
    # What the small pattern set of the short set reads.
    "Obstructing stone in the {side} kidney.",
    "No stone on the {side}.",
    "No hydronephrosis.",
)
_OPINIONS = (
    "In keeping with transient osteoporosis of the {side} hip.",
    "Transient osteoporosis of the {side} hip cannot be excluded.",
    "No abnormality.",
    "Appearances favour transient osteoporosis over avascular necrosis.",
)


def make_reports(count: int, *, name: str = "r") -> list[dict[str, Any]]:
    """Return so many reports as they are posted; the first ones are always the same."""
    return [make_report(number, name=name) for number in range(count)]


def make_report(number: int, *, name: str = "r", order: str = "") -> dict[str, Any]:
    """Return one report; ``order`` is a word of :mod:`tests.chaos.fuses` in its text."""
    chance = random.Random(f"{SEED}-{number}")  # noqa: S311 (repeatable, not secret)
    side = chance.choice(("left", "right"))
    findings = " ".join(chance.sample(_FINDINGS, 4)).format(side=side)
    opinion = chance.choice(_OPINIONS).format(side=side)
    text = f"MRI {side.upper()} HIP\nFINDINGS: {findings} {order}\nIMPRESSION: {opinion}\n"
    return {
        "report_id": f"{name}-{number}",
        "text": text,
        "patient": {"age_years": chance.randrange(20, 80), "sex": chance.choice("MF")},
        "study": {"modality": "MR", "accession": f"{name}-{number}"},
    }
