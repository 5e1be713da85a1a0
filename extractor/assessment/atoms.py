"""Whether an atom of the case definition holds on a side, and which mentions make it hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor.assessment.asked import asked_atom, by_mention, labels
from extractor.assessment.verdicts import Verdicts, needed
from extractor.knowledge.expressions import Expression, parse_expression
from extractor.model import Experiencer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from extractor.assessment.asked import AskedAtom
    from extractor.knowledge.course import Course
    from extractor.knowledge.schema import Atom, CaseDefinition
    from extractor.model import Mention, PatientFacts, StudyFacts

_SHOWN = frozenset({"core", "minor", "hard", "soft", "explanatory"})
"""Roles of atoms that are evidence."""


class Facts:
    """What a report says, and for each atom the mentions that may make it hold on some side."""

    def __init__(
        self,
        definition: CompiledDefinition,
        mentions: Sequence[Mention],
        patient: PatientFacts,
        study: StudyFacts,
    ) -> None:
        self.mentions = mentions
        self.laterality = study.laterality
        found: dict[str, list[Mention]] = {}
        for one in mentions:
            if one.experiencer == Experiencer.PATIENT:
                for atom in definition.by_mention.get((one.finding, labels(one)), ()):
                    if atom.takes(one):
                        found.setdefault(atom.name, []).append(one)
        self.fitting: list[tuple[AskedAtom, list[Mention]]] = []
        """Atoms on findings with the mentions that fit them but for their side; those without any are left out."""
        for name, fitting in found.items():
            atom = definition.asked[name]
            modalities = atom.source.modalities
            if (not modalities or study.modality in modalities) and _patient_fits(
                patient, atom.source
            ):
                self.fitting.append((atom, fitting))
        told = {
            "in_scope": study.in_scope,
            "densitometry": study.is_densitometry,
            "nondiagnostic": study.is_nondiagnostic,
        }
        self.everywhere = [
            *(name for name, holds in told.items() if holds),
            *(
                name
                for name in definition.of_patient
                if _patient_fits(patient, definition.atoms[name])
            ),
        ]
        """Names of the facts of the study and of the patient that hold, on each side alike."""


class SideAtoms:
    """The atoms on one side of one report.

    ``side`` is ``left``, ``right`` or ``unspecified``; ``None`` takes in every mention.
    """

    def __init__(self, definition: CompiledDefinition, facts: Facts, side: str | None) -> None:
        self._definition = definition
        self._mentions: dict[str, tuple[int, ...]] = {}
        for atom, fitting in facts.fitting:
            ids = atom.held_by(fitting, side)
            if ids is not None:
                self._mentions[atom.name] = ids
        self.basis = frozenset([*self._mentions, *facts.everywhere])
        self.holding = definition.verdicts.holding(self.basis)
        """Names of the atoms and of the facts of the study and the patient that hold."""

    def mentions(self, name: str) -> tuple[int, ...]:
        """Return the ids of the mentions that make an atom hold."""
        condition = self._definition.conditions.get(name)
        if condition is None:
            return self._mentions.get(name, ())
        parts = [part for part in condition.names if part in self._definition.atoms]
        ids = {one for part in parts if part in self.holding for one in self.mentions(part)}
        return tuple(sorted(ids))


def _patient_fits(patient: PatientFacts, atom: Atom) -> bool:
    if atom.age_years and not (
        patient.age_years is not None
        and atom.age_years[0] <= patient.age_years <= atom.age_years[1]
    ):
        return False
    if atom.sex and patient.sex != atom.sex:
        return False
    if atom.pregnancy and patient.pregnancy not in atom.pregnancy:
        return False
    return atom.onset_atraumatic is None or patient.onset_atraumatic == atom.onset_atraumatic


@dataclass(frozen=True, slots=True)
class CompiledDefinition:
    """A case definition with its conditions parsed."""

    source: CaseDefinition
    atoms: Mapping[str, Atom]
    conditions: Mapping[str, Expression]
    """Of the atoms that are expressions of others."""
    subtypes: Mapping[str, Expression]
    activity: Mapping[str, Expression]
    flags: Mapping[str, Expression]
    assessed_sites: frozenset[str]
    """Sites whose sides are assessed."""
    verdicts: Verdicts
    asked: Mapping[str, AskedAtom]
    """The atoms on mentions."""
    by_mention: Mapping[tuple[str, frozenset[str]], Sequence[AskedAtom]]
    """By finding and labels of a mention, those that it may make hold."""
    of_patient: Sequence[str]
    """Atoms on demographics and onset alone."""
    evidence: Sequence[tuple[str, str]]
    """The atoms that are shown as evidence, with the list that they are shown in."""
    flagged: Mapping[str, str]
    """By atom, the flag that the report gets where it holds."""
    has_course: bool
    """Whether what holds is kept for the course of the patient."""
    told_anywhere: frozenset[str]
    """Basic atoms that the course asks for in a report as a whole."""


def compile_definition(
    source: CaseDefinition, assessed_sites: Iterable[str], course: Course | None = None
) -> CompiledDefinition:
    """Parse the conditions of a case definition, and see what the course asks of its reports.

    Raises:
        PatternError: a condition that cannot be read, or atoms that need each other.

    """
    conditions = {
        name: parse_expression(atom.when) for name, atom in source.atoms.items() if atom.when
    }
    asked = {name: asked_atom(name, atom) for name, atom in source.atoms.items() if atom.findings}
    plain = {name: atom for name, atom in source.atoms.items() if not atom.when}
    return CompiledDefinition(
        source=source,
        atoms=source.atoms,
        conditions=conditions,
        subtypes={name: parse_expression(condition) for name, condition in source.subtypes.items()},
        activity={name: parse_expression(condition) for name, condition in source.activity.items()},
        flags={name: parse_expression(condition) for name, condition in source.flags.items()},
        assessed_sites=frozenset(assessed_sites),
        verdicts=Verdicts(source, conditions),
        asked=asked,
        by_mention=by_mention(list(asked.values())),
        of_patient=[name for name, atom in plain.items() if not atom.findings],
        evidence=[
            (name, "hard" if atom.role == "explanatory" else atom.role)
            for name, atom in source.atoms.items()
            if atom.role in _SHOWN
        ],
        flagged={name: atom.flag for name, atom in source.atoms.items() if atom.flag},
        has_course=course is not None and bool(course.rules or course.loans),
        told_anywhere=_told_anywhere(course, conditions) & set(plain) if course else frozenset(),
    )


def _told_anywhere(course: Course, conditions: Mapping[str, Expression]) -> frozenset[str]:
    """Return the atoms that the course asks for in a report as a whole."""
    events = {rule.then for rule in course.rules if rule.where == "report"}
    parts = {part for name in events for part in course.events[name].any_of}
    asked = [
        atom
        for name in sorted(events | parts)
        for atom in parse_expression(course.events[name].when).names
    ]
    return frozenset(needed([*asked, *(loan.atom for loan in course.loans)], conditions))
