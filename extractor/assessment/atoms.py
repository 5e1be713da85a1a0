"""Whether an atom of the case definition holds on a side, and which mentions make it hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor.assessment.verdicts import Verdicts
from extractor.knowledge.expressions import Expression, parse_expression
from extractor.model import Experiencer, Laterality, Mention, PatientFacts, Status, StudyFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from extractor.knowledge.schema import Atom, CaseDefinition

_RESOLVED = "resolved"
_OPPOSITE = {"left": "right", "right": "left"}


class Facts:
    """What the atoms are decided on."""

    def __init__(
        self, mentions: Sequence[Mention], patient: PatientFacts, study: StudyFacts
    ) -> None:
        self.mentions = mentions
        self.patient = patient
        self.study = study
        self.by_finding: dict[str, list[Mention]] = {}
        for one in mentions:
            self.by_finding.setdefault(one.finding, []).append(one)
        told = {
            "in_scope": study.in_scope,
            "densitometry": study.is_densitometry,
            "nondiagnostic": study.is_nondiagnostic,
        }
        self.of_study = [name for name, holds in told.items() if holds]
        """Names under which conditions ask for the facts of the study, of those that hold."""


@dataclass(frozen=True, slots=True)
class Holding:
    """An atom's truth and its mentions' ids."""

    holds: bool
    mentions: tuple[int, ...] = ()


_ABSENT = Holding(holds=False)
_PRESENT = Holding(holds=True)


class SideAtoms:
    """The atoms on one side of one report.

    ``side`` is ``left``, ``right`` or ``unspecified``; ``None`` takes in every mention.
    """

    def __init__(self, definition: CompiledDefinition, facts: Facts, side: str | None) -> None:
        self._definition = definition
        self._facts = facts
        self._side = side
        asked = dict.fromkeys(definition.of_patient)
        for finding in facts.by_finding:
            asked.update(dict.fromkeys(definition.by_finding.get(finding, ())))
        self._from_mentions = {name: self._decide(definition.atoms[name]) for name in asked}
        self.basis = frozenset(
            [
                *(name for name, found in self._from_mentions.items() if found.holds),
                *facts.of_study,
            ]
        )
        self._holding = definition.verdicts.holding(self.basis)

    def truth(self, name: str) -> bool:
        """Whether an atom or a fact of the study holds."""
        return name in self._holding

    def mentions(self, name: str) -> tuple[int, ...]:
        """Return the ids of the mentions that make an atom hold."""
        condition = self._definition.conditions.get(name)
        if condition is None:
            return self._from_mentions.get(name, _ABSENT).mentions
        parts = [part for part in condition.names if part in self._definition.atoms]
        ids = {one for part in parts if self.truth(part) for one in self.mentions(part)}
        return tuple(sorted(ids))

    def _decide(self, atom: Atom) -> Holding:
        if not self._patient_fits(atom):
            return _ABSENT
        if not atom.findings:
            return _PRESENT
        named = self._facts.by_finding
        fitting = [
            one
            for finding in atom.findings
            for one in named.get(finding, ())
            if self._fits(one, atom)
        ]
        return _over_sites(fitting, atom.sites_all) if fitting else _ABSENT

    def _patient_fits(self, atom: Atom) -> bool:
        patient = self._facts.patient
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

    def _fits(self, one: Mention, atom: Atom) -> bool:
        return (
            one.experiencer == Experiencer.PATIENT
            and not _labels(one).isdisjoint(atom.statuses)
            and self._on_side(one, atom)
            and (not atom.sections or one.section in atom.sections)
            and one.section not in atom.not_sections
            and not (atom.sites_none and set(one.sites) <= set(atom.sites_none))
            and _attributes_fit(one, atom)
            and (not atom.modalities or self._facts.study.modality in atom.modalities)
        )

    def _on_side(self, one: Mention, atom: Atom) -> bool:
        if self._side is None or atom.side == "any":
            return True
        wanted = self._side if atom.side == "same" else _OPPOSITE.get(self._side)
        if one.laterality in (wanted, Laterality.BILATERAL):
            return True
        return (
            atom.side == "same"
            and not atom.explicit_side
            and one.laterality == Laterality.UNSPECIFIED
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


def compile_definition(source: CaseDefinition, assessed_sites: Iterable[str]) -> CompiledDefinition:
    """Parse the conditions of a case definition.

    Raises:
        PatternError: a condition that cannot be read.

    """
    conditions = {
        name: parse_expression(atom.when) for name, atom in source.atoms.items() if atom.when
    }
    rules = tuple((parse_expression(rule.when), index) for index, rule in enumerate(source.rules))
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
        verdicts=Verdicts(source, conditions, rules),
        by_finding=by_finding,
        of_patient=[name for name, atom in plain.items() if not atom.findings],
    )


def _labels(one: Mention) -> set[str]:
    """Return the names under which an atom can ask for the mention's assertion."""
    if one.status == Status.UNCERTAIN:
        return {str(one.certainty)}
    if one.status == Status.HISTORICAL and one.change == _RESOLVED:
        return {"historical", _RESOLVED}
    return {str(one.status)}


def _attributes_fit(one: Mention, atom: Atom) -> bool:
    return (
        one.extent not in atom.extent_not
        and one.severity not in atom.severity_not
        and (not atom.severity or one.severity in atom.severity)
        and one.method not in atom.method_not
        and (not atom.rules or one.rule in atom.rules)
        and one.rule not in atom.rules_not
    )


def _over_sites(fitting: Sequence[Mention], wanted: Sequence[Sequence[str]]) -> Holding:
    """Whether the mentions together name a site of each list."""
    if not wanted:
        return Holding(bool(fitting), tuple(sorted(one.id for one in fitting)))
    named = {site for one in fitting for site in one.sites}
    if not all(named & set(sites) for sites in wanted):
        return Holding(holds=False)
    useful = {site for sites in wanted for site in sites}
    return Holding(
        holds=True, mentions=tuple(sorted(one.id for one in fitting if set(one.sites) & useful))
    )
