"""The pattern set compiled for matching: terms with their meaning, and the joined phrases."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from extractor.errors import PatternError
from extractor.knowledge.phrases import CompiledPhrase, LiteralStep, PhraseCompiler, PlaceStep
from extractor.medspacy_adapter import CueFinder, CuePhrase
from extractor.reading.terms import Term, TermFinder
from extractor.text.spelling import Speller
from extractor.text.tokens import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from extractor.knowledge.load import PatternSet
    from extractor.knowledge.schema import CueRule, Rule, Site
    from extractor.reading.places import Named


@dataclass(frozen=True, slots=True)
class JoinedPhrase:
    """A phrase with gaps or places: keys of its steps (terms, or anatomy groups after ``<``)."""

    rule: int
    steps: tuple[str, ...]
    gaps: tuple[int, ...]
    needs: frozenset[str] = field(init=False)
    """The steps, each once."""

    def __post_init__(self) -> None:
        """Work out what the phrase needs: it is asked for every phrase of every report."""
        object.__setattr__(self, "needs", frozenset(self.steps))


@dataclass(frozen=True, slots=True)
class Guards:
    """Keys of the terms that rule a rule out or in where they stand; ``None`` where it has no such words."""

    beside: str | None
    before: str | None
    after: str | None
    behind: str | None
    """Right behind."""
    needed: str | None


@dataclass(slots=True)
class CompiledPatterns:
    """Terms by key. Keys: ``rule:N``, ``step:N``, ``site:N``, ``side:left``, ``severity:small`` and so on."""

    patterns: PatternSet
    rules: tuple[Rule, ...]
    sites: tuple[Site, ...]
    cues: dict[str, CueRule]
    joined: list[JoinedPhrase] = field(default_factory=list)
    anchored: dict[str, list[int]] = field(default_factory=dict)
    """By step, the joined phrases that are looked for only where that step stands: their rarest."""
    completing: dict[int, list[JoinedPhrase]] = field(default_factory=dict)
    """By rule, the phrases of the next sentence that complete what it says."""
    terms: dict[tuple[str, str], Term] = field(default_factory=dict)
    step_keys: dict[frozenset[str], str] = field(default_factory=dict)
    exact_forms: dict[str, frozenset[str]] = field(default_factory=dict)
    """Key of a case-sensitive entry to the forms that it may have."""
    rule_index: dict[str, int] = field(default_factory=dict)
    guards: dict[str, Guards] = field(default_factory=dict)
    """By rule id."""
    term_finder: TermFinder = field(init=False)
    cue_finder: CueFinder = field(init=False)
    combinations: dict[tuple[str, ...], Named] = field(default_factory=dict)
    """By ids of sites that were named together, what they mean; filled while reports are read."""
    unsited: frozenset[str] = frozenset()
    """Values of the places that no finding can be at ("bursa")."""
    history_labels: frozenset[str] = frozenset()
    """Labels of the past, in lower case."""
    words: frozenset[str] = frozenset()
    """Every word of every term and cue."""

    def add(self, key: str, literals: Iterable[str]) -> None:
        """Remember that any of these word sequences stands for the key."""
        for literal in literals:
            self.terms[key, literal] = Term(literal, key)


def compile_patterns(patterns: PatternSet) -> CompiledPatterns:
    """Compile a pattern set; takes a second or two, once a process.

    Raises:
        PatternError: a phrase that cannot be read, named with its rule.

    """
    compiled = CompiledPatterns(
        patterns,
        patterns.rules,
        tuple(patterns.anatomy.sites),
        {cue.id: cue for cue in patterns.cues},
    )
    compiler = PhraseCompiler(patterns.lexicon)
    for index, rule in enumerate(patterns.rules):
        compiled.rule_index[rule.id] = index
        _compile_rule(compiled, compiler, index, rule)
    _compile_anatomy(compiled, compiler)
    _compile_words(compiled, compiler)
    _anchor(compiled)
    compiled.unsited = _unsited(patterns)
    compiled.history_labels = frozenset(map(str.lower, patterns.study.history_labels))
    cues = _cue_phrases(patterns, compiler)
    compiled.term_finder = TermFinder(compiled.terms.values(), compiled.exact_forms)
    compiled.cue_finder = CueFinder(cues)
    of_cues = (word for cue in cues for word in words_of(cue.literal))
    compiled.words = frozenset(compiled.term_finder.words).union(of_cues)
    return compiled


def compiled_speller(compiled: CompiledPatterns) -> Speller:
    """Return the speller for a pattern set; no word of a phrase is ever mended into another."""
    spelling = compiled.patterns.spelling
    return Speller(spelling.words, {*compiled.words, *spelling.not_typos})


def _compile_rule(
    compiled: CompiledPatterns, compiler: PhraseCompiler, index: int, rule: Rule
) -> None:
    key = f"rule:{index}"
    exact: set[str] = set()
    for phrase in rule.phrases:
        for one in _named(compiler, phrase, f"rule '{rule.id}'"):
            if one.is_literal and isinstance(one.steps[0], LiteralStep):
                compiled.add(key, one.steps[0].literals)
                exact.update(one.steps[0].literals)
            else:
                steps = tuple(_step_key(compiled, step) for step in one.steps)
                compiled.joined.append(JoinedPhrase(index, steps, one.gaps))
    if rule.case == "exact":
        compiled.exact_forms[key] = frozenset(exact)
    for phrase in rule.completed_by:
        for one in _named(compiler, phrase, f"rule '{rule.id}'"):
            compiled.completing.setdefault(index, []).append(
                JoinedPhrase(
                    index, tuple(_step_key(compiled, step) for step in one.steps), one.gaps
                )
            )
    unless = (
        ("with", rule.not_with),
        ("next", rule.not_followed_by),
        ("before", rule.not_before),
        ("after", rule.not_after),
        ("needs", rule.needs_before),
    )
    for name, phrases in unless:
        for phrase in phrases:
            compiled.add(f"{name}:{index}", _literals(compiler, phrase, f"rule '{rule.id}'"))
    keys = {name: f"{name}:{index}" if phrases else None for name, phrases in unless}
    compiled.guards[rule.id] = Guards(
        keys["with"], keys["before"], keys["after"], keys["next"], keys["needs"]
    )


def _anchor(compiled: CompiledPatterns) -> None:
    """Hang each joined phrase on the one of its words that fewest other phrases need."""
    uses = Counter(step for phrase in compiled.joined for step in phrase.steps)
    for index, phrase in enumerate(compiled.joined):
        literal = [step for step in phrase.steps if not step.startswith("<")]
        anchor = min(literal, key=lambda step: (uses[step], step))
        compiled.anchored.setdefault(anchor, []).append(index)


def _unsited(patterns: PatternSet) -> frozenset[str]:
    sited = {group for finding in patterns.findings.values() for group in finding.site_groups}
    sites = enumerate(patterns.anatomy.sites)
    return frozenset(str(index) for index, site in sites if sited.isdisjoint(site.groups))


def _step_key(compiled: CompiledPatterns, step: LiteralStep | PlaceStep) -> str:
    if isinstance(step, PlaceStep):
        return f"<{step.group}"
    key = compiled.step_keys.setdefault(step.literals, f"step:{len(compiled.step_keys)}")
    compiled.add(key, step.literals)
    return key


def _compile_anatomy(compiled: CompiledPatterns, compiler: PhraseCompiler) -> None:
    anatomy = compiled.patterns.anatomy
    for index, site in enumerate(anatomy.sites):
        for phrase in site.phrases:
            literals = _literals(compiler, phrase, f"site '{site.id}'")
            compiled.add(f"site:{index}", literals)
            if site.case == "exact":
                known = compiled.exact_forms.get(f"site:{index}", frozenset())
                compiled.exact_forms[f"site:{index}"] = known | literals
    groups: list[tuple[str, Iterable[str]]] = [
        *((f"side:{side}", phrases) for side, phrases in anatomy.sides.items()),
        *((f"letter:{side}", phrases) for side, phrases in anatomy.sides_exact.items()),
        *((f"region:{name}", region.words) for name, region in anatomy.regions.items()),
        *((f"hint:{name}", region.hints) for name, region in anatomy.regions.items()),
        ("connector", anatomy.connectors),
        ("additive", anatomy.additive),
        ("exclusive", anatomy.exclusive),
        ("exclusive_behind", anatomy.exclusive_behind),
        ("compared", anatomy.compared),
        ("flanks", anatomy.flanks),
        ("flanked", anatomy.flanked),
        ("examined", anatomy.examined),
        ("examined_behind", anatomy.examined_behind),
        ("not_side", anatomy.not_sides),
        ("settled", anatomy.settled),
        ("anaphor", anatomy.anaphors),
        ("going_on", anatomy.going_on),
    ]
    for key, phrases in groups:
        for phrase in phrases:
            compiled.add(key, _literals(compiler, phrase, key))


def _compile_words(compiled: CompiledPatterns, compiler: PhraseCompiler) -> None:
    patterns = compiled.patterns
    people = patterns.demographics
    groups: list[tuple[str, Iterable[str]]] = [
        *(
            (f"severity:{value}", phrases)
            for value, phrases in patterns.descriptors.severity.items()
        ),
        *((f"extent:{value}", phrases) for value, phrases in patterns.descriptors.extent.items()),
        *((f"modality:{code}", phrases) for code, phrases in patterns.study.modalities.items()),
        ("examination", patterns.study.title_words),
        ("densitometry", patterns.study.densitometry),
        ("nondiagnostic", patterns.study.nondiagnostic),
        ("whole_body", patterns.study.whole_body),
        ("correction", patterns.study.laterality_correction),
        ("sex:M", people.male),
        ("sex:F", people.female),
        ("pregnancy:pregnant", people.pregnant),
        ("pregnancy:postpartum", people.postpartum),
        ("pregnancy:none", people.not_pregnant),
        ("onset:atraumatic", people.atraumatic),
        ("onset:traumatic", people.traumatic),
        *((f"heads:{cue.id}", cue.phrases) for cue in patterns.cues if cue.heads),
        *((f"choice:{cue.id}", cue.phrases) for cue in patterns.cues if cue.choice),
        *((f"rival:{cue.id}", cue.rivals) for cue in patterns.cues if cue.rivals),
    ]
    for key, phrases in groups:
        for phrase in phrases:
            compiled.add(key, _literals(compiler, phrase, key))
    for kind, exact in (
        ("modality", patterns.study.modalities_exact),
        ("sex", people.titles_exact),
    ):
        for value, forms in exact.items():
            compiled.add(f"{kind}:{value}.exact", forms)
            compiled.exact_forms[f"{kind}:{value}.exact"] = frozenset(forms)


def _cue_phrases(patterns: PatternSet, compiler: PhraseCompiler) -> list[CuePhrase]:
    found: list[CuePhrase] = []
    for cue in patterns.cues:
        if cue.choice or cue.heads:
            continue
        direction = cue.category if cue.category in {"terminate", "pseudo"} else cue.direction
        for phrase in cue.phrases:
            literals = _literals(compiler, phrase, f"cue '{cue.id}'")
            found.extend(CuePhrase(literal, cue.id, direction) for literal in sorted(literals))
    return found


def _named(compiler: PhraseCompiler, phrase: str, where: str) -> list[CompiledPhrase]:
    try:
        return compiler.compile(phrase)
    except PatternError as error:
        msg = f"{where}: {error}"
        raise PatternError(msg) from None


def _literals(compiler: PhraseCompiler, phrase: str, where: str) -> frozenset[str]:
    try:
        return compiler.literals(phrase)
    except PatternError as error:
        msg = f"{where}: {error}"
        raise PatternError(msg) from None
