"""The result of reading one report, and what goes in: plain immutable values.

Spans are half-open character offsets into the untouched input text, so that
``text[m.start:m.end] == m.quote`` for every mention and cue. The vocabularies of the engine are
the enums here; those of medicine (findings, sites, levels' rules, flags) are strings that the
pattern set declares and that are validated when it is loaded.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

MAX_TEXT_CHARS = 200_000
"""Longer texts are refused: no radiology report is near it, and every step is linear in it."""


class Status(StrEnum):
    """What the report asserts about a mention."""

    AFFIRMED = "affirmed"
    NEGATED = "negated"
    UNCERTAIN = "uncertain"
    HISTORICAL = "historical"
    HYPOTHETICAL = "hypothetical"


class Certainty(StrEnum):
    """How sure the report is; only with :attr:`Status.UNCERTAIN`."""

    LIKELY = "likely"
    POSSIBLE = "possible"
    UNLIKELY = "unlikely"


class Laterality(StrEnum):
    """The side of the body, as far as the report says it."""

    LEFT = "left"
    RIGHT = "right"
    BILATERAL = "bilateral"
    UNSPECIFIED = "unspecified"


class Experiencer(StrEnum):
    """Whose finding it is; ``other`` (a relative) is never evidence."""

    PATIENT = "patient"
    OTHER = "other"


class SectionCategory(StrEnum):
    """The parts of a report; text before any heading is ``findings``."""

    INDICATION = "indication"
    TECHNIQUE = "technique"
    COMPARISON = "comparison"
    FINDINGS = "findings"
    IMPRESSION = "impression"
    RECOMMENDATION = "recommendation"
    ADDENDUM = "addendum"


class Level(StrEnum):
    """How strongly one report supports the case definition, strongest first."""

    STATED = "stated"
    PROBABLE = "probable"
    POSSIBLE = "possible"
    UNLIKELY = "unlikely"
    NONE = "none"
    NOT_ASSESSABLE = "not_assessable"


CASE_LEVELS = frozenset({Level.STATED, Level.PROBABLE})
"""The levels that carry the tag; ``possible`` is the review list."""


class Activity(StrEnum):
    """The course as one report tells it."""

    ACTIVE = "active"
    RESOLVING = "resolving"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Patient:
    """What the request's metadata says of the patient; ``None`` where it says nothing."""

    id: str | None = None
    age_years: int | None = None
    sex: str | None = None
    """``"M"`` or ``"F"``."""
    pregnancy: str | None = None
    """``"pregnant"``, ``"postpartum"`` or ``"none"``."""


@dataclass(frozen=True, slots=True)
class Study:
    """What the request's metadata says of the examination."""

    modality: str | None = None
    """A DICOM modality code: ``MR``, ``CR``, ``DX``, ``CT``, ``NM``, ``US``, ``PT``, ``BMD``."""
    description: str | None = None
    date: str | None = None
    """ISO 8601 date."""
    accession: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One report to read: its text, untouched, and its metadata."""

    text: str
    report_id: str | None = None
    patient: Patient = field(default_factory=Patient)
    study: Study = field(default_factory=Study)


@dataclass(frozen=True, slots=True)
class Engine:
    """Which code and which patterns gave a result."""

    version: str
    patterns_version: str
    patterns_digest: str


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """What was concluded about the examination from metadata and text."""

    modality: str | None
    in_scope: bool
    is_densitometry: bool
    is_nondiagnostic: bool
    laterality: Laterality


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """Demographics, from the metadata first, then from the text."""

    age_years: int | None
    sex: str | None
    pregnancy: str | None
    onset_atraumatic: bool | None


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of the report under one heading; ``title`` is empty where there is none."""

    category: SectionCategory
    title: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that changed what a mention asserts, for example the "No" before it."""

    category: str
    quote: str
    start: int
    end: int
    rule: str


@dataclass(frozen=True, slots=True)
class Mention:
    """One place where the report says something about a finding."""

    id: int
    finding: str
    quote: str
    start: int
    end: int
    status: Status
    certainty: Certainty | None
    sites: tuple[str, ...]
    laterality: Laterality
    severity: str | None
    extent: str | None
    change: str | None
    method: str | None
    experiencer: Experiencer
    section: SectionCategory
    rule: str
    cues: tuple[Cue, ...]


@dataclass(frozen=True, slots=True)
class SpanAssertion:
    """What a report asserts of a given span, whatever the span names."""

    status: Status
    certainty: Certainty | None
    experiencer: Experiencer
    cues: tuple[Cue, ...]
    is_past: bool = False
    """Whether the past is spoken of, whatever the status: "no history of fracture" is denied of it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """An atom of the case definition that holds, and the mentions that make it hold."""

    atom: str
    mentions: tuple[int, ...]
    """Ids of mentions; empty where the atom rests on demographics alone."""


@dataclass(frozen=True, slots=True)
class SideAssessment:
    """The case definition applied to one side."""

    level: Level
    rule: str
    core: tuple[Evidence, ...] = ()
    minor: tuple[Evidence, ...] = ()
    hard: tuple[Evidence, ...] = ()
    soft: tuple[Evidence, ...] = ()
    missing: tuple[str, ...] = ()
    """What would lift this side to the next level, as atoms of the definition."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The report's level: the highest of its sides, with the rule that gave it."""

    definition: str
    level: Level
    side: Laterality | None
    rule: str
    subtype: str | None
    activity: Activity | None
    flags: tuple[str, ...]
    sides: dict[str, SideAssessment]
    atoms: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What the course of a patient is judged by: the basic atoms that hold, by side.

    Of each side that the study shows, said of or not; under ``report`` those that it tells as a
    whole. For audits alone: not part of the contract.
    """


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that was read from one report (the contract of the API, the CLI and the files)."""

    report_id: str | None
    engine: Engine
    study: StudyFacts
    patient: PatientFacts
    sections: tuple[Section, ...]
    mentions: tuple[Mention, ...]
    assessment: Assessment

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready dictionaries, lists and strings."""
        shown = asdict(self)
        del shown["assessment"]["atoms"]
        return shown
