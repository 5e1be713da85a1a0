"""A pattern set read from its directory, checked for consistency, with its digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import RootModel

from extractor.errors import PatternError
from extractor.knowledge.course import Course
from extractor.knowledge.course_names import check_course_names
from extractor.knowledge.expressions import parse_expression
from extractor.knowledge.schema import (
    Anatomy,
    CaseDefinition,
    CueFile,
    CueRule,
    Demographics,
    Descriptors,
    Finding,
    Manifest,
    Rule,
    RuleFile,
    Site,
    Spelling,
    StudyWords,
)
from extractor.knowledge.source import read_yaml
from extractor.model import SectionCategory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_Keyed = TypeVar("_Keyed", Rule, CueRule, Site)


class _Lexicon(RootModel[dict[str, list[str]]]):
    """lexicon.yaml: name to variants."""


class _Headings(RootModel[dict[SectionCategory, list[str]]]):
    """sections.yaml: category to headings."""


@dataclass(frozen=True, slots=True)
class PatternSet:
    """Everything that the engine knows of medicine."""

    name: str
    version: str
    digest: str
    """``sha256:`` of the names and bytes of all its files."""
    findings: Mapping[str, Finding]
    targets: tuple[str, ...]
    lexicon: Mapping[str, list[str]]
    rules: tuple[Rule, ...]
    anatomy: Anatomy
    descriptors: Descriptors
    cues: tuple[CueRule, ...]
    headings: Mapping[SectionCategory, list[str]]
    demographics: Demographics
    study: StudyWords
    spelling: Spelling
    case: CaseDefinition
    course: Course


def shipped_directory() -> Path:
    """Return the directory of the pattern set that comes with the package."""
    return Path(str(resources.files("patterns").joinpath("pattern_set.yaml"))).parent


def load_patterns(directory: Path | None = None) -> PatternSet:
    """Read a pattern set; the shipped one by default.

    A directory whose ``pattern_set.yaml`` says ``extends: shipped`` adds to the shipped set:
    entries with the id of a shipped one replace it, ``remove`` takes them away, and files that
    are not there are the shipped ones.

    Raises:
        PatternError: names file, line and mend.

    """
    roots = pattern_roots(directory)
    patterns = _read(roots, read_manifest(roots[-1]))
    _validate(patterns)
    return patterns


def pattern_roots(directory: Path | None = None) -> list[Path]:
    """Return the directories that a pattern set is read from; the shipped one first where it is extended.

    Raises:
        PatternError: there is no ``pattern_set.yaml``, or it cannot be read.

    """
    root = directory or shipped_directory()
    manifest = read_manifest(root)
    return [root] if manifest.extends is None or directory is None else [shipped_directory(), root]


def read_manifest(root: Path) -> Manifest:
    """Read the ``pattern_set.yaml`` of a directory."""
    if not (root / "pattern_set.yaml").is_file():
        msg = f"no pattern_set.yaml in '{root}'; point MARROW_PATTERNS at a directory that has one"
        raise PatternError(msg)
    return read_yaml(root / "pattern_set.yaml", Manifest)


def _read(roots: list[Path], manifest: Manifest) -> PatternSet:
    base = manifest if len(roots) == 1 else read_yaml(roots[0] / "pattern_set.yaml", Manifest)
    gone = set(manifest.remove)
    rules = _merge(
        gone,
        (read_yaml(path, RuleFile).rules for root in roots for path in _files(root, "findings")),
    )
    cues = _merge(
        gone, (read_yaml(path, CueFile).cues for root in roots for path in _files(root, "context"))
    )
    lexicon: dict[str, list[str]] = {}
    for root in roots:
        if (root / "lexicon.yaml").is_file():
            lexicon.update(read_yaml(root / "lexicon.yaml", _Lexicon).root)
    anatomies = [
        read_yaml(root / "anatomy.yaml", Anatomy)
        for root in roots
        if (root / "anatomy.yaml").is_file()
    ]
    if not anatomies:
        msg = "anatomy.yaml is missing"
        raise PatternError(msg, file=roots[-1])
    anatomy = anatomies[-1].model_copy(
        update={"sites": _merge(gone, (part.sites for part in anatomies))}
    )
    return PatternSet(
        name=manifest.name,
        version=manifest.version,
        digest=_digest(roots),
        findings={**base.findings, **manifest.findings},
        targets=tuple(manifest.targets or base.targets),
        lexicon=lexicon,
        rules=tuple(rules),
        anatomy=anatomy,
        descriptors=read_yaml(_latest(roots, "descriptors.yaml"), Descriptors),
        cues=tuple(cues),
        headings=read_yaml(_latest(roots, "sections.yaml"), _Headings).root,
        demographics=read_yaml(_latest(roots, "demographics.yaml"), Demographics),
        study=read_yaml(_latest(roots, "study.yaml"), StudyWords),
        spelling=_spelling(roots),
        case=read_yaml(_latest(roots, "case_definition.yaml"), CaseDefinition),
        course=_course(roots),
    )


def _spelling(roots: list[Path]) -> Spelling:
    """Return the words that are mended; a set without the file mends none."""
    paths = [root / "spelling.yaml" for root in roots if (root / "spelling.yaml").is_file()]
    return read_yaml(paths[-1], Spelling) if paths else Spelling()


def _course(roots: list[Path]) -> Course:
    """Return the course rules; a set with a case definition of its own has none but its own."""
    for root in reversed(roots):
        if (root / "course.yaml").is_file():
            return read_yaml(root / "course.yaml", Course)
        if (root / "case_definition.yaml").is_file():
            return Course()
    return Course()


def _files(root: Path, folder: str) -> list[Path]:
    return sorted((root / folder).glob("*.yaml"))


def _latest(roots: list[Path], name: str) -> Path:
    for root in reversed(roots):
        if (root / name).is_file():
            return root / name
    msg = f"{name} is missing"
    raise PatternError(msg, file=roots[-1])


def _merge(gone: set[str], groups: Iterable[Iterable[_Keyed]]) -> list[_Keyed]:
    """Return the entries of all groups; a later group's entry replaces an earlier one with its id."""
    merged: dict[str, _Keyed] = {}
    for group in groups:
        own: set[str] = set()
        for entry in group:
            if entry.id in own:
                msg = f"the id '{entry.id}' stands twice; give one of them another"
                raise PatternError(msg)
            own.add(entry.id)
            merged[entry.id] = entry
    return [entry for key, entry in merged.items() if key not in gone]


def _digest(roots: list[Path]) -> str:
    digest = hashlib.sha256()
    for root in roots:
        for path in sorted(root.rglob("*.yaml")):
            digest.update(
                path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0"
            )
    return f"sha256:{digest.hexdigest()}"


def _validate(patterns: PatternSet) -> None:
    """Refuse names that nothing declares."""
    groups = {group for site in patterns.anatomy.sites for group in site.groups} | {
        site.id for site in patterns.anatomy.sites
    }
    for site in patterns.anatomy.sites:
        _known(f"site '{site.id}': region", [site.region, *site.only_in], patterns.anatomy.regions)
    for name, finding in patterns.findings.items():
        _known(f"finding '{name}': group", finding.site_groups, groups)
    for rule in patterns.rules:
        if rule.finding is None and not rule.block and not rule.ellipsis:
            msg = f"rule '{rule.id}' names no finding; give it one, or 'block: true'"
            raise PatternError(msg)
        _known(
            f"rule '{rule.id}': finding", [rule.finding] if rule.finding else [], patterns.findings
        )
        _known(f"rule '{rule.id}': group", rule.requires_place, groups)
        _known(f"rule '{rule.id}': region", rule.requires_region, patterns.anatomy.regions)
    for cue in patterns.cues:
        _known(f"cue '{cue.id}': finding", cue.findings, patterns.findings)
    _validate_case(patterns, groups)


def _validate_case(patterns: PatternSet, groups: set[str]) -> None:
    case = patterns.case
    _known("case definition: subject", [case.subject], patterns.findings)
    _known("case definition: sides_from", case.sides_from, groups)
    facts = {"in_scope", "densitometry", "nondiagnostic"}
    for name, atom in case.atoms.items():
        _known(f"atom '{name}': finding", atom.findings, patterns.findings)
        if atom.when:
            _known(f"atom '{name}': atom", parse_expression(atom.when).names, case.atoms)
    conditions = [
        *(rule.when for rule in case.rules),
        *case.subtypes.values(),
        *case.activity.values(),
        *case.flags.values(),
    ]
    for condition in conditions:
        _known(
            f"condition '{condition}': atom",
            parse_expression(condition).names,
            set(case.atoms) | facts,
        )
    check_course_names(patterns.course, atoms=set(case.atoms) | facts, findings=patterns.findings)


def _known(where: str, names: Iterable[str], declared: Iterable[str]) -> None:
    declared = set(declared)
    for name in names:
        if name not in declared:
            msg = f"{where} '{name}' is not declared; known are {', '.join(sorted(declared))}"
            raise PatternError(msg)
