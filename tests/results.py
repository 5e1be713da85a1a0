"""Results made by hand, for tests of what stores and shows them."""

from __future__ import annotations

from extractor.model import (
    Activity,
    Assessment,
    Cue,
    Engine,
    Evidence,
    Experiencer,
    Laterality,
    Level,
    Mention,
    PatientFacts,
    Result,
    Section,
    SectionCategory,
    SideAssessment,
    Status,
    StudyFacts,
)

ENGINE = Engine(version="0.1.0", patterns_version="2026.11.0", patterns_digest="sha256:00")


def make_mention(
    finding: str = "effusion",
    *,
    id_: int = 1,
    status: Status = Status.AFFIRMED,
    sites: tuple[str, ...] = ("hip_joint",),
) -> Mention:
    """Return a mention over the first eight characters of whatever text."""
    return Mention(
        id=id_,
        finding=finding,
        quote="effusion",
        start=0,
        end=8,
        status=status,
        certainty=None,
        sites=sites,
        laterality=Laterality.LEFT,
        severity=None,
        extent=None,
        change=None,
        method=None,
        experiencer=Experiencer.PATIENT,
        section=SectionCategory.FINDINGS,
        rule="effusion.named",
        cues=(Cue(category="negation", quote="No", start=0, end=2, rule="no"),),
    )


def make_result(
    *mentions: Mention, level: Level = Level.NONE, report_id: str | None = None
) -> Result:
    """Return a whole result with these mentions."""
    side = SideAssessment(level=level, rule="R7", core=(Evidence(atom="C1", mentions=(1,)),))
    return Result(
        report_id=report_id,
        engine=ENGINE,
        study=StudyFacts(
            modality="MR",
            in_scope=True,
            is_densitometry=False,
            is_nondiagnostic=False,
            laterality=Laterality.LEFT,
        ),
        patient=PatientFacts(age_years=47, sex="M", pregnancy=None, onset_atraumatic=None),
        sections=(Section(category=SectionCategory.FINDINGS, title="", start=0, end=8),),
        mentions=mentions,
        assessment=Assessment(
            definition="itoh",
            level=level,
            side=Laterality.LEFT,
            rule="R7",
            subtype=None,
            activity=Activity.ACTIVE,
            flags=(),
            sides={"left": side},
        ),
    )
