"""Whether an atom of the case definition holds on a side, and which mentions make it hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor.assessment.verdicts import Verdicts, needed
from extractor.knowledge.expressions import Expression, parse_expression
from extractor.model import Experiencer, Laterality, Mention, PatientFacts, Status, StudyFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from extractor.knowledge.course import Course
    from extractor.knowledge.schema import Atom, CaseDefinition

_RESOLVED = "resolved"
_PAST_AND_GONE = frozenset({"historical", _RESOLVED})
_OPPOSITE = {"left": "right", "right": "left"}


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
        named: dict[str, list[tuple[Mention, frozenset[str]]]] = {}
        for one in mentions:
            if one.experiencer == Experiencer.PATIENT:
                named.setdefault(one.finding, []).append((one, _labels(one)))
        asked = dict.fromkeys(name for one in named for name in definition.by_finding.get(one, ()))
        self.fitting: dict[str, list[Mention]] = {}
        """By atom on findings, the mentions that fit it but for their side; those without any are left out."""
        for name in asked:
            atom = definition.atoms[name]
            if _patient_fits(patient, atom):
                found = _fitting(named, atom, study.modality)
                if found:
                    self.fitting[name] = found
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
        for name, fitting in facts.fitting.items():
            atom = definition.atoms[name]
            here = [one for one in fitting if _on_side(one, atom, side)]
            ids = _over_sites(here, atom.sites_all) if here else None
            if ids is not None:
                self._mentions[name] = ids
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


def _fitting(
    named: Mapping[str, Sequence[tuple[Mention, frozenset[str]]]], atom: Atom, modality: str | None
) -> list[Mention]:
    """Return the mentions that fit an atom, whatever their side."""
    if atom.modalities and modality not in atom.modalities:
        return []
    return [
        one
        for finding in atom.findings
        for one, labels in named.get(finding, ())
        if not labels.isdisjoint(atom.statuses) and _attributes_fit(one, atom)
    ]


def _on_side(one: Mention, atom: Atom, side: str | None) -> bool:
    if side is None or atom.side == "any":
        return True
    wanted = side if atom.side == "same" else _OPPOSITE.get(side)
    if one.laterality in (wanted, Laterality.BILATERAL):
        return True
    return (
        atom.side == "same" and not atom.explicit_side and one.laterality == Laterality.UNSPECIFIED
    )


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
    by_finding: Mapping[str, Sequence[str]]
    """By finding, the atoms on mentions of it."""
    of_patient: Sequence[str]
    """Atoms on demographics and onset alone."""
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
    by_finding: dict[str, list[str]] = {}
    for name, atom in source.atoms.items():
        for finding in atom.findings:
            by_finding.setdefault(finding, []).append(name)
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
        by_finding=by_finding,
        of_patient=[name for name, atom in plain.items() if not atom.findings],
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


def _labels(one: Mention) -> frozenset[str]:
    """Return the names under which an atom can ask for the mention's assertion."""
    if one.status == Status.UNCERTAIN:
        return frozenset([str(one.certainty)])
    if one.status == Status.HISTORICAL and one.change == _RESOLVED:
        return _PAST_AND_GONE
    return frozenset([str(one.status)])


def _attributes_fit(one: Mention, atom: Atom) -> bool:
    return (
        (not atom.sections or one.section in atom.sections)
        and one.section not in atom.not_sections
        and not (atom.sites_none and set(one.sites) <= set(atom.sites_none))
        and one.extent not in atom.extent_not
        and one.severity not in atom.severity_not
        and (not atom.severity or one.severity in atom.severity)
        and one.method not in atom.method_not
        and (not atom.change or one.change in atom.change)
        and (not atom.rules or one.rule in atom.rules)
        and one.rule not in atom.rules_not
    )


def _over_sites(
    fitting: Sequence[Mention], wanted: Sequence[Sequence[str]]
) -> tuple[int, ...] | None:
    """Return the ids of the mentions if together they name a site of each list, else ``None``."""
    if not wanted:
        return tuple(sorted(one.id for one in fitting))
    named = {site for one in fitting for site in one.sites}
    if any(named.isdisjoint(sites) for sites in wanted):
        return None
    useful = {site for sites in wanted for site in sites}
    return tuple(sorted(one.id for one in fitting if not useful.isdisjoint(one.sites)))
