"""Results and plans built by hand for the tests of the steps; no text is read here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor.model import (
    Activity,
    Assessment,
    Engine,
    Evidence,
    Experiencer,
    Laterality,
    Level,
    Mention,
    PatientFacts,
    Result,
    SectionCategory,
    SideAssessment,
    Status,
    StudyFacts,
)

if TYPE_CHECKING:
    from extractor import Report

ENGINE = Engine("0.1.0", "2026.11.0", "sha256:" + "0" * 64)


def mention(text: str, quote: str, number: int = 1, **changes: Any) -> Mention:
    """Return an affirmed mention of marrow oedema at the place of its quote in the text."""
    start = text.index(quote)
    values: dict[str, Any] = {
        "id": number, "finding": "marrow_oedema", "quote": quote, "start": start,
        "end": start + len(quote), "status": Status.AFFIRMED, "certainty": None,
        "sites": ("femoral_head",), "laterality": Laterality.LEFT, "severity": None,
        "extent": None, "change": None, "method": None, "experiencer": Experiencer.PATIENT,
        "section": SectionCategory.FINDINGS, "rule": "marrow_oedema.named", "cues": (),
    }  # fmt: skip
    return Mention(**{**values, **changes})


def result(
    report: Report,
    *,
    level: Level = Level.NONE,
    mentions: tuple[Mention, ...] = (),
    side: str = "left",
    in_scope: bool = True,
) -> Result:
    """Return a result whose one side has the level, resting on all of the mentions."""
    core = (Evidence("C1", tuple(item.id for item in mentions)),) if mentions else ()
    return Result(
        report_id=report.report_id,
        engine=ENGINE,
        study=StudyFacts(report.study.modality, in_scope, False, False, Laterality.LEFT),  # noqa: FBT003
        patient=PatientFacts(report.patient.age_years, report.patient.sex, None, None),
        sections=(),
        mentions=mentions,
        assessment=Assessment(
            definition="itoh",
            level=level,
            side=Laterality(side),
            rule="R1b",
            subtype=None,
            activity=Activity.ACTIVE,
            flags=(),
            sides={side: SideAssessment(level, "R1b", core=core, missing=("C3",))},
        ),
    )


def by_words(report: Report) -> Result:
    """Return a level that the test wrote at the end of the report, as ``LEVEL:side``."""
    last = report.text.split()[-1]
    name, _, side = last.partition(":")
    found = "marrow oedema" in report.text
    return result(
        report,
        level=Level(name.lower()) if side else Level.NONE,
        side=side or "unspecified",
        mentions=(mention(report.text, "marrow oedema"),) if found else (),
        in_scope="hip" in report.text,
    )
