"""Every phrase of a pattern set with what it stands for, what it expands to and where it is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from extractor.errors import PatternError
from extractor.knowledge.phrases import CompiledPhrase, LiteralStep, PhraseCompiler
from extractor.knowledge.remarks import Remark, error
from extractor.text.tokens import tokenise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import BaseModel

    from extractor.knowledge.load import PatternSet
    from extractor.knowledge.positions import Located, Place, Positions

UNLESS = ("not_with", "not_before", "not_followed_by")
"""Lists of a rule that keep it from speaking."""
_WHOLE_WORDS = frozenset(
    {"request_words", "history_labels", "not_request", "asking_words", "finding_words"}
)
"""Lists that are searched as they are written, without signs."""
_EXCLUSIVE = {
    "male": "sex",
    "female": "sex",
    "pregnant": "pregnancy",
    "postpartum": "pregnancy",
    "not_pregnant": "pregnancy",
    "atraumatic": "onset",
    "traumatic": "onset",
}
"""Lists of which only one can be meant by the same words."""


@dataclass(frozen=True, slots=True, eq=False)
class Wording:
    """One phrase in its list."""

    kind: str
    """What the phrases of a list are for: ``rule``, ``cue``, ``site``, ``sides``, ``not_with`` ..."""
    owner: str
    """Whose they are: a rule's id, a side; the kind, where a kind has one list only."""
    phrase: str
    place: Place
    compiled: tuple[CompiledPhrase, ...]
    literals: frozenset[str]
    """What the phrase matches as words alone; in lower case."""
    forms: frozenset[str]
    """The same as it is written."""
    exact: bool = False
    """Whether capitals count."""

    @property
    def said(self) -> frozenset[str]:
        """What the phrase matches, told apart by capitals where they count."""
        return self.forms if self.exact else self.literals

    def steps(self) -> Iterator[tuple[frozenset[str], ...]]:
        """Yield the literals of each step of each way in which the phrase can be said."""
        for one in self.compiled:
            yield tuple(
                folded(step.literals) for step in one.steps if isinstance(step, LiteralStep)
            )


@lru_cache(maxsize=20_000)
def folded(literals: frozenset[str]) -> frozenset[str]:
    """Return literals as the matcher sees them.

    Kept, because every rule of the lint asks for the same steps, and many phrases share theirs.
    """
    return frozenset(" ".join(tokenise(literal).lower) for literal in literals)


class Collector:
    """Collects the wordings of a pattern set; phrases that cannot be read become remarks."""

    def __init__(self, patterns: PatternSet, positions: Positions) -> None:
        self._patterns = patterns
        self._positions = positions
        self.compiler = PhraseCompiler(patterns.lexicon)
        self.remarks: list[Remark] = []
        found = [*self._rules(), *self._anatomy(), *self._words(), *self._cues()]
        # of two that say the same, the one of the extending set is to be named
        self.wordings = sorted(found, key=lambda one: one.place.root)

    def _rules(self) -> Iterator[Wording]:
        for rule in self._patterns.rules:
            entry = self._positions.entry("rules", rule.id)
            exact = rule.case == "exact"
            yield from self._list("rule", rule.id, rule.phrases, entry, "phrases", exact=exact)
            for name in UNLESS:
                yield from self._list(name, rule.id, getattr(rule, name), entry, name)

    def _cues(self) -> Iterator[Wording]:
        for cue in self._patterns.cues:
            entry = self._positions.entry("cues", cue.id)
            yield from self._list("cue", cue.id, cue.phrases, entry, "phrases")

    def _anatomy(self) -> Iterator[Wording]:
        for site in self._patterns.anatomy.sites:
            entry = self._positions.entry("sites", site.id)
            exact = site.case == "exact"
            yield from self._list("site", site.id, site.phrases, entry, "phrases", exact=exact)
        file = self._positions.file("anatomy.yaml", "regions")
        for name, region in self._patterns.anatomy.regions.items():
            yield from self._list("region", name, region.words, file, "regions", name, "words")
        yield from self._fields(self._patterns.anatomy, "anatomy.yaml")

    def _words(self) -> Iterator[Wording]:
        yield from self._fields(self._patterns.descriptors, "descriptors.yaml")
        yield from self._fields(self._patterns.demographics, "demographics.yaml")
        yield from self._fields(self._patterns.study, "study.yaml")

    def _fields(self, model: BaseModel, name: str) -> Iterator[Wording]:
        """Yield the phrases of a model's plain lists and of its lists by value."""
        file = self._positions.file(name)
        for field, value in model:
            if isinstance(value, list) and all(isinstance(one, str) for one in value):
                yield from self._list(_EXCLUSIVE.get(field, field), field, value, file, field)
            elif isinstance(value, dict):
                for key, phrases in value.items():
                    if isinstance(phrases, list):
                        yield from self._list(field, str(key), phrases, file, field, str(key))

    def _list(
        self,
        kind: str,
        owner: str,
        phrases: Sequence[str],
        entry: Located,
        *path: str,
        exact: bool = False,
    ) -> Iterator[Wording]:
        for index, phrase in enumerate(phrases):
            place = entry.at(*path, index)
            try:
                yield replace(self._wording(kind, owner, phrase, place), exact=exact)
            except PatternError as problem:
                self.remarks.append(error("unreadable_phrase", place, f"{problem}"))

    def _wording(self, kind: str, owner: str, phrase: str, place: Place) -> Wording:
        if kind in _WHOLE_WORDS:
            whole = frozenset({" ".join(phrase.lower().split())})
            return Wording(kind, owner, phrase, place, (), whole, frozenset({phrase}))
        compiled = tuple(self.compiler.compile(phrase))
        forms = frozenset(
            literal
            for one in compiled
            if one.is_literal and isinstance(one.steps[0], LiteralStep)
            for literal in one.steps[0].literals
        )
        return Wording(kind, owner, phrase, place, compiled, folded(forms), forms)
