"""Names that nothing declares, and entries that nothing uses."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from extractor.knowledge.declared import Declared
from extractor.knowledge.expressions import parse_expression
from extractor.knowledge.lint_cues import read_sections
from extractor.knowledge.lint_rules import parts
from extractor.knowledge.load import read_manifest
from extractor.knowledge.phrases import PlaceStep
from extractor.knowledge.remarks import Remark, error, note

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from extractor.knowledge.load import PatternSet
    from extractor.knowledge.positions import Located, Place, Positions
    from extractor.knowledge.schema import Atom
    from extractor.knowledge.wordings import Wording

_SHOWN_ROLES = frozenset({"core", "minor", "hard", "soft", "explanatory"})
"""Roles whose atoms a result shows as evidence, whether a rule asks for them or not."""


@dataclass
class NameChecks:
    """The checks of the names of one pattern set."""

    patterns: PatternSet
    positions: Positions
    wordings: Sequence[Wording]
    used: AbstractSet[str]
    """Lexicon entries that some phrase uses."""

    def __post_init__(self) -> None:
        self._declared = Declared.by(self.patterns)
        self._case = self.positions.file("case_definition.yaml", "atoms")

    def remarks(self) -> Iterator[Remark]:
        """Yield everything found."""
        yield from self._lexicon()
        yield from self._sites()
        yield from self._findings()
        yield from self._rules()
        yield from self._headings()
        yield from self._request_words()
        for name, atom in self.patterns.case.atoms.items():
            yield from self._atom(name, atom)
        yield from self._case_rules()
        yield from self._without_examples()

    def _lexicon(self) -> Iterator[Remark]:
        for name in self.patterns.lexicon:
            if name not in self.used:
                place = self.positions.file("lexicon.yaml", name).at(name)
                text = f"no phrase uses the lexicon entry '{name}'; take it out"
                yield error("unused_lexicon_entry", place, text)

    def _sites(self) -> Iterator[Remark]:
        """Yield places that can be the site of no finding, and take no words from any other."""
        findings = self.patterns.findings.values()
        wanted = {group for finding in findings for group in finding.site_groups}
        if any(not finding.site_groups for finding in findings):
            return
        literals: dict[str, set[str]] = defaultdict(set)
        for one in self.wordings:
            if one.kind == "site":
                literals[one.owner] |= one.literals
        for site in self.patterns.anatomy.sites:
            others = {text for name, found in literals.items() if name != site.id for text in found}
            held = {part for text in literals[site.id] for part in parts(text)}
            if wanted.isdisjoint({*site.groups, site.id, *site.sites}) and held.isdisjoint(others):
                place = self.positions.entry("sites", site.id).at("groups")
                text = f"no finding takes the site '{site.id}' by its groups, and it hides no other site's words; mend 'groups', or take it out"
                yield note("unused_site", place, text)

    def _findings(self) -> Iterator[Remark]:
        manifest = self.positions.file("pattern_set.yaml", "findings")
        found = {rule.finding for rule in self.patterns.rules}
        regions = {*self.patterns.anatomy.regions, "*"}
        for name, finding in self.patterns.findings.items():
            at = self.positions.file("pattern_set.yaml", "findings", name)
            if name not in found:
                text = f"no rule finds '{name}'; add one, or take the finding out"
                yield error("unused_finding", at.at("findings", name), text)
            yield from _unknown(
                f"finding '{name}': region",
                list(finding.default_sites),
                regions,
                at.at("findings", name, "default_sites"),
            )
        yield from _unknown(
            "targets: finding",
            self.patterns.targets,
            set(self.patterns.findings),
            manifest.at("targets"),
        )

    def _rules(self) -> Iterator[Remark]:
        for rule in self.patterns.rules:
            entry = self.positions.entry("rules", rule.id)
            where = f"rule '{rule.id}'"
            for field, names, known in (
                ("modalities", rule.modalities, self._declared.modalities),
                ("sites", rule.sites, self._declared.sites),
            ):
                yield from _unknown(f"{where}: {field}", names, known, entry.at(field))
            if rule.stands_alone and rule.status is None:
                text = f"'stands_alone' does nothing in {where} without 'status'; add the status, or take it out"
                yield error("unused_field", entry.at("stands_alone"), text)
        for one in self.wordings:
            steps = [step for phrase in one.compiled for step in phrase.steps]
            groups = [step.group for step in steps if isinstance(step, PlaceStep)]
            where = f"'{one.phrase}' in rule '{one.owner}': anatomy group"
            yield from _unknown(where, groups, self._declared.groups, one.place)

    def _headings(self) -> Iterator[Remark]:
        file = self.positions.file("sections.yaml")
        seen: dict[str, tuple[str, Place]] = {}
        for category, headings in self.patterns.headings.items():
            for index, heading in enumerate(headings):
                place = file.at(str(category), index)
                name = " ".join(heading.lower().split())
                first, where = seen.setdefault(name, (str(category), place))
                if first != category:
                    text = f"the heading '{heading}' stands in {first} ({where}) and in {category}; keep one"
                    yield error("heading_in_two_categories", place, text)
                elif seen[name][1] is not place:
                    text = f"the heading '{heading}' stands twice in {category}; take one out"
                    yield error("duplicate_heading", place, text)

    def _request_words(self) -> Iterator[Remark]:
        """Yield words of a request that also tell that the text is none."""
        findings = {word.lower() for word in self.patterns.study.finding_words}
        file = self.positions.file("study.yaml")
        for index, word in enumerate(self.patterns.study.request_words):
            if word.lower() in findings:
                text = f"'{word}' stands in request_words and in finding_words, and so never tells a request; keep one"
                yield error("ambiguous_phrase", file.at("request_words", index), text)

    def _atom(self, name: str, atom: Atom) -> Iterator[Remark]:
        if name not in self._asked_for and not atom.flag and atom.role not in _SHOWN_ROLES:
            text = f"no rule, subtype, activity, flag or other atom asks for the atom '{name}'; take it out"
            yield error("unused_atom", self._case.at("atoms", name), text)
        for field, known in self._declared.of_atoms().items():
            value = getattr(atom, field)
            names = [one for part in value for one in (part if isinstance(part, list) else [part])]
            place = self._case.at("atoms", name, field)
            yield from _unknown(f"atom '{name}': {field}", names, known, place)
        found = {rule.finding for rule in self.patterns.rules}
        if atom.findings and found.isdisjoint(atom.findings):
            text = f"the atom '{name}' never holds: no rule finds {', '.join(atom.findings)}"
            yield error("never_holds", self._case.at("atoms", name, "findings"), f"{text}; add one")
        if atom.sections and read_sections(self.patterns).isdisjoint(atom.sections):
            text = f"the atom '{name}' never holds: nothing is read in its sections; mend them"
            yield error("never_holds", self._case.at("atoms", name, "sections"), text)

    @cached_property
    def _asked_for(self) -> set[str]:
        case = self.patterns.case
        conditions = [
            *(rule.when for rule in case.rules),
            *case.subtypes.values(),
            *case.activity.values(),
            *case.flags.values(),
            *(atom.when for atom in case.atoms.values() if atom.when),
            *(event.when for event in self.patterns.course.events.values()),
        ]
        lent = {loan.atom for loan in self.patterns.course.loans}
        return lent.union(*(parse_expression(condition).names for condition in conditions))

    def _case_rules(self) -> Iterator[Remark]:
        decided = ""
        for index, rule in enumerate(self.patterns.case.rules):
            place = self._case.at("rules", index)
            yield from _unknown(
                f"case rule '{rule.id}': level", [rule.level], self._declared.levels, place
            )
            if decided:
                text = f"the case rule '{rule.id}' is never reached: '{decided}' before it always holds; move it up"
                yield error("unreached_rule", place, text)
            elif rule.when.strip() == "True" and rule.scope == "side":
                decided = rule.id

    def _without_examples(self) -> Iterator[Remark]:
        """Yield the rules without examples, in one note a file."""
        rules = [("rules", rule.id) for rule in self.patterns.rules if not rule.examples]
        cues = [("cues", cue.id) for cue in self.patterns.cues if not cue.examples]
        bare: dict[tuple[int, str], list[tuple[str, Located]]] = defaultdict(list)
        for kind, name in [*rules, *cues]:
            entry = self.positions.entry(kind, name)
            bare[entry.root, entry.file].append((name, entry))
        for missing in bare.values():
            names = ", ".join(name for name, _ in missing)
            text = (
                f"{len(missing)} without examples: {names}; add a sentence with what must be found"
            )
            yield note("no_examples", missing[0][1].at("id"), text)


def removed_names(roots: Sequence[Path], positions: Positions) -> Iterator[Remark]:
    """Yield the names that an extending set removes and that are not there."""
    file = positions.file("pattern_set.yaml", "remove")
    for index, name in enumerate(read_manifest(roots[-1]).remove):
        if not positions.has(name):
            text = f"'remove' names '{name}', which no shipped rule, cue or site has as its id; mend the name"
            yield error("unknown_name", file.at("remove", index), text)


def _unknown(
    where: str, names: Sequence[str], known: AbstractSet[str], place: Place
) -> Iterator[Remark]:
    for name in dict.fromkeys(names):
        if name not in known:
            text = f"{where} '{name}' is not known; known are {', '.join(sorted(known))}"
            yield error("unknown_name", place, text)
