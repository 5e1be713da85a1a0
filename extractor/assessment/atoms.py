"""Whether an atom of the case definition holds on a side, and which mentions make it hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor.knowledge.expressions import Expression, parse_expression
from extractor.model import Experiencer, Laterality, Mention, PatientFacts, Status, StudyFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from extractor.knowledge.schema import Atom, CaseDefinition

_RESOLVED = "resolved"
_OPPOSITE = {"left": "right", "right": "left"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the atoms are decided on."""

    mentions: Sequence[Mention]
    patient: PatientFacts
    study: StudyFacts


@dataclass(frozen=True, slots=True)
class Holding:
    """An atom's truth and its mentions' ids."""

    holds: bool
    mentions: tuple[int, ...] = ()


class SideAtoms:
    """The atoms on one side of one report; each is decided once, when it is asked for.

    ``side`` is ``left``, ``right`` or ``unspecified``; ``None`` takes in every mention.
    """

    def __init__(self, definition: CompiledDefinition, facts: Facts, side: str | None) -> None:
        self._definition = definition
        self._facts = facts
        self._side = side
        self._assumed: frozenset[str] = frozenset()
        self._known: dict[str, Holding] = {}
        self._from_mentions: dict[str, Holding] = {}

    def assuming(self, names: Iterable[str]) -> SideAtoms:
        """Return the atoms of the same side as they would be if these held as well."""
        other = SideAtoms(self._definition, self._facts, self._side)
        other._assumed = frozenset(names)
        other._from_mentions = self._from_mentions
        return other

    def truth(self, name: str) -> bool:
        """Whether an atom or a fact of the study holds."""
        study = self._facts.study
        match name:
            case "in_scope":
                return study.in_scope
            case "densitometry":
                return study.is_densitometry
            case "nondiagnostic":
                return study.is_nondiagnostic
        return name in self._assumed or self.holding(name).holds

    def holding(self, name: str) -> Holding:
        """Return an atom's truth with its mentions."""
        condition = self._definition.conditions.get(name)
        if condition is None:
            if name not in self._from_mentions:
                self._from_mentions[name] = self._decide(self._definition.atoms[name])
            return self._from_mentions[name]
        if name not in self._known:
            self._known[name] = self._conclude(condition)
        return self._known[name]

    def _conclude(self, condition: Expression) -> Holding:
        if not condition(self.truth):
            return Holding(holds=False)
        parts = [name for name in condition.names if name in self._definition.atoms]
        ids = {one for name in parts for one in self.holding(name).mentions}
        return Holding(holds=True, mentions=tuple(sorted(ids)))

    def _decide(self, atom: Atom) -> Holding:
        if not self._patient_fits(atom):
            return Holding(holds=False)
        if not atom.findings:
            return Holding(holds=True)
        fitting = [one for one in self._facts.mentions if self._fits(one, atom)]
        return _over_sites(fitting, atom.sites_all)

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
            one.finding in atom.findings
            and one.experiencer == Experiencer.PATIENT
            and bool(_labels(one) & set(atom.statuses))
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
    rules: tuple[tuple[Expression, int], ...]
    """Condition and index into ``source.rules``."""
    subtypes: Mapping[str, Expression]
    activity: Mapping[str, Expression]
    flags: Mapping[str, Expression]
    assessed_sites: frozenset[str]
    """Sites whose sides are assessed."""


def compile_definition(source: CaseDefinition, assessed_sites: Iterable[str]) -> CompiledDefinition:
    """Parse the conditions of a case definition.

    Raises:
        PatternError: a condition that cannot be read.

    """
    return CompiledDefinition(
        source=source,
        atoms=source.atoms,
        conditions={
            name: parse_expression(atom.when) for name, atom in source.atoms.items() if atom.when
        },
        rules=tuple(
            (parse_expression(rule.when), index) for index, rule in enumerate(source.rules)
        ),
        subtypes={name: parse_expression(condition) for name, condition in source.subtypes.items()},
        activity={name: parse_expression(condition) for name, condition in source.activity.items()},
        flags={name: parse_expression(condition) for name, condition in source.flags.items()},
        assessed_sites=frozenset(assessed_sites),
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
        return Holding(bool(fitting), tuple(one.id for one in fitting))
    named = {site for one in fitting for site in one.sites}
    if not all(named & set(sites) for sites in wanted):
        return Holding(holds=False)
    useful = {site for sites in wanted for site in sites}
    return Holding(holds=True, mentions=tuple(one.id for one in fitting if set(one.sites) & useful))
