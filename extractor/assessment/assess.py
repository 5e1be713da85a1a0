"""From facts to the level of a report: each side by the first rule that holds, the report by its highest side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor.assessment.atoms import CompiledDefinition, Facts, SideAtoms
from extractor.model import (
    Activity,
    Assessment,
    Evidence,
    Experiencer,
    Laterality,
    Level,
    Mention,
    SideAssessment,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from extractor.knowledge.schema import CaseRule

Kept = dict[str, tuple[str, ...]]
"""The basic atoms that hold, by side."""
_RANK = {level: rank for rank, level in enumerate(reversed(Level))}


def assess(
    definition: CompiledDefinition, facts: Facts, extra_flags: Sequence[str] = ()
) -> Assessment:
    """Apply the case definition to one report; ``extra_flags`` are those that reading itself raised."""
    whole = SideAtoms(definition, facts, None)
    told = whole.basis & definition.told_anywhere
    kept: Kept = {"report": tuple(sorted(told))} if told else {}
    rule = definition.verdicts.rule(whole.basis, "report")
    if rule:
        flags = {*rule.flags, *extra_flags, *_condition_flags(definition, whole)}
        subtype = _subtype(definition, whole, rule.level)
        return _without_sides(definition, rule, flags, subtype, kept=kept)
    atoms = {
        side: SideAtoms(definition, facts, side) for side in _sides(definition, facts.mentions)
    }
    kept |= _kept(definition, facts, atoms)
    if not atoms:
        nowhere = SideAtoms(definition, facts, Laterality.UNSPECIFIED)
        rule = definition.verdicts.side_rule(nowhere.basis)
        return _without_sides(definition, rule, extra_flags, None, kept=kept)
    sides = {side: _assess_side(definition, known) for side, known in atoms.items()}
    return _by_highest(definition, sides, atoms, extra_flags, kept=kept)


def _kept(definition: CompiledDefinition, facts: Facts, said: Mapping[str, SideAtoms]) -> Kept:
    """Return what holds on each side that the study shows, whether the report speaks of it or not."""
    if not definition.has_course:
        return {}
    both = {str(Laterality.LEFT), str(Laterality.RIGHT)}
    shown = set(said)
    if facts.laterality == Laterality.BILATERAL or (
        facts.laterality == Laterality.UNSPECIFIED and shown & both
    ):
        shown |= both
    elif facts.laterality != Laterality.UNSPECIFIED or not shown:
        shown.add(str(facts.laterality))
    known = {side: said.get(side) or SideAtoms(definition, facts, side) for side in shown}
    return {side: tuple(sorted(known[side].basis)) for side in sorted(known)}


def _without_sides(
    definition: CompiledDefinition,
    rule: CaseRule,
    flags: Iterable[str],
    subtype: str | None,
    *,
    kept: Kept,
) -> Assessment:
    return Assessment(
        definition=definition.source.name,
        level=Level(rule.level),
        side=None,
        rule=rule.id,
        subtype=subtype,
        activity=None,
        flags=tuple(sorted(flags)),
        sides={},
        atoms=kept,
    )


def _by_highest(
    definition: CompiledDefinition,
    sides: dict[str, SideAssessment],
    atoms: dict[str, SideAtoms],
    extra_flags: Sequence[str],
    *,
    kept: Kept,
) -> Assessment:
    best = max(
        sides, key=lambda side: (_RANK[sides[side].level], side != Laterality.UNSPECIFIED, side)
    )
    top = sides[best]
    leading = [side for side in sides if sides[side].level == top.level]
    flags = {*extra_flags, *_rule_flags(definition, top)}
    for side in leading:
        flags |= _condition_flags(definition, atoms[side]) | _atom_flags(definition, atoms[side])
    return Assessment(
        definition=definition.source.name,
        level=top.level,
        side=_report_side(leading, top.level),
        rule=top.rule,
        subtype=_subtype(definition, atoms[best], top.level),
        activity=_activity(definition, atoms[best], top),
        flags=tuple(sorted(flags)),
        sides=sides,
        atoms=kept,
    )


def _rule_flags(definition: CompiledDefinition, top: SideAssessment) -> list[str]:
    return next(
        rule.flags
        for rule in definition.source.rules
        if rule.id == top.rule and rule.level == top.level
    )


def _sides(definition: CompiledDefinition, mentions: Sequence[Mention]) -> list[str]:
    """Return the sides that anything is said of; ``unspecified`` where no side is named at all."""
    said: set[str] = set()
    at_site = [
        one
        for one in mentions
        if not definition.assessed_sites.isdisjoint(one.sites)
        and one.experiencer == Experiencer.PATIENT
    ]
    for one in at_site:
        if one.laterality == Laterality.BILATERAL:
            said |= {"left", "right"}
        elif one.laterality != Laterality.UNSPECIFIED:
            said.add(str(one.laterality))
    if not said and at_site:
        return ["unspecified"]
    return sorted(said)


def _assess_side(definition: CompiledDefinition, atoms: SideAtoms) -> SideAssessment:
    rule = definition.verdicts.side_rule(atoms.basis)
    by_role: dict[str, list[Evidence]] = {"core": [], "minor": [], "hard": [], "soft": []}
    holding = atoms.holding
    for name, role in definition.evidence:
        if name in holding:
            shown = tuple([one for one in atoms.mentions(name) if one])
            by_role[role].append(Evidence(name, shown))
    return SideAssessment(
        level=Level(rule.level),
        rule=rule.id,
        core=tuple(by_role["core"]),
        minor=tuple(by_role["minor"]),
        hard=tuple(by_role["hard"]),
        soft=tuple(by_role["soft"]),
        missing=definition.verdicts.missing(atoms.basis),
    )


def _report_side(leading: Sequence[str], level: Level) -> Laterality | None:
    if level == Level.NONE:
        return None
    if {"left", "right"} <= set(leading):
        return Laterality.BILATERAL
    return Laterality(leading[0])


def _condition_flags(definition: CompiledDefinition, atoms: SideAtoms) -> set[str]:
    return {name for name, condition in definition.flags.items() if condition(atoms.holding)}


def _atom_flags(definition: CompiledDefinition, atoms: SideAtoms) -> set[str]:
    holding = atoms.holding
    return {flag for name, flag in definition.flagged.items() if name in holding}


def _subtype(definition: CompiledDefinition, atoms: SideAtoms, level: str) -> str | None:
    if Level(level) not in {Level.STATED, Level.PROBABLE, Level.POSSIBLE}:
        return None
    return next(
        (name for name, condition in definition.subtypes.items() if condition(atoms.holding)), None
    )


def _activity(
    definition: CompiledDefinition, atoms: SideAtoms, top: SideAssessment
) -> Activity | None:
    if top.level in {Level.NONE, Level.NOT_ASSESSABLE}:
        return None
    name = next(
        (name for name, condition in definition.activity.items() if condition(atoms.holding)), None
    )
    return Activity(name) if name else None
