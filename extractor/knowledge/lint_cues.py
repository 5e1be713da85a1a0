"""Cues that can never reach a mention, and cues that contradict each other."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from extractor.knowledge.lint_rules import parts
from extractor.knowledge.remarks import Remark, error, note
from extractor.model import SectionCategory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extractor.knowledge.load import PatternSet
    from extractor.knowledge.positions import Positions
    from extractor.knowledge.schema import CueRule
    from extractor.knowledge.wordings import Wording

_RIVALS = frozenset({"negation", "affirmation", "uncertainty"})
"""Categories of which the nearest cue decides."""
_SILENT = frozenset({"terminate", "pseudo"})
_REACH = ("findings", "sections", "max_words", "max_mentions", "certainty", "change", "method")
_OWN_FIELDS = {
    "certainty": frozenset({"uncertainty"}),
    "change": frozenset({"change", "historical"}),
    "method": frozenset({"method"}),
}
"""Fields that only cues of these categories give to a mention."""
_NEEDED = {"uncertainty": "certainty", "change": "change", "method": "method"}


@dataclass
class CueChecks:
    """The checks of the cues of one pattern set."""

    patterns: PatternSet
    positions: Positions
    wordings: Sequence[Wording]

    def remarks(self) -> Iterator[Remark]:
        """Yield everything found."""
        for cue in self.patterns.cues:
            yield from self._unreachable(cue)
            yield from self._fields(cue)
        yield from self._contradictions()
        for one in self._phrases:
            if self._cues[one.owner].category == "pseudo":
                yield from self._hides_nothing(one)

    @cached_property
    def _cues(self) -> dict[str, CueRule]:
        return {cue.id: cue for cue in self.patterns.cues}

    @cached_property
    def _phrases(self) -> list[Wording]:
        return [one for one in self.wordings if one.kind == "cue"]

    @cached_property
    def _holders(self) -> dict[str, list[Wording]]:
        found: dict[str, list[Wording]] = defaultdict(list)
        for one in self._phrases:
            for literal in one.literals:
                found[literal].append(one)
        return found

    def _unreachable(self, cue: CueRule) -> Iterator[Remark]:
        """Yield a cue whose findings or sections never occur."""
        entry = self.positions.entry("cues", cue.id)
        found = {rule.finding for rule in self.patterns.rules} | {
            name for name in cue.findings if any(rule.ellipsis for rule in self.patterns.rules)
        }
        if cue.findings and found.isdisjoint(cue.findings):
            text = f"cue '{cue.id}' reaches nothing: no rule finds {_list(cue.findings)}; add one, or mend 'findings'"
            yield error("unreachable_cue", entry.at("findings"), text)
        read = read_sections(self.patterns)
        if cue.sections and read.isdisjoint(cue.sections):
            text = f"cue '{cue.id}' reaches nothing: no findings are read in {_list(cue.sections)}; mend 'sections'"
            yield error("unreachable_cue", entry.at("sections"), text)

    def _fields(self, cue: CueRule) -> Iterator[Remark]:
        """Yield fields that the cue's category does not use, and those that it lacks."""
        entry = self.positions.entry("cues", cue.id)
        unused = [name for name in _OWN_FIELDS if cue.category not in _OWN_FIELDS[name]]
        for name in _REACH if cue.category in _SILENT else unused:
            if getattr(cue, name):
                text = f"'{name}' does nothing in cue '{cue.id}' of the category {cue.category}; take it out"
                yield error("unused_field", entry.at(name), text)
        needed = _NEEDED.get(cue.category)
        if needed and getattr(cue, needed) is None:
            text = f"cue '{cue.id}' of the category {cue.category} says no '{needed}'; add it"
            yield error("missing_field", entry.at("category"), text)
        if cue.value and cue.direction == "forward":
            text = f"'value' does nothing in cue '{cue.id}', which only looks forward; write 'direction: both'"
            yield error("unused_field", entry.at("value"), text)

    def _contradictions(self) -> Iterator[Remark]:
        """Yield the words that two cues claim."""
        claimed: dict[tuple[str, str], list[tuple[str, Wording, Wording]]] = defaultdict(list)
        for literal, holders in self._holders.items():
            for position, later in enumerate(holders):
                for earlier in holders[:position]:
                    if earlier.owner != later.owner:
                        claimed[earlier.owner, later.owner].append((literal, earlier, later))
        for pairs in claimed.values():
            literal, earlier, later = min(pairs, key=lambda pair: (len(pair[0]), pair[0]))
            shown = f"'{literal}'" + (f" and {len(pairs) - 1} more" if len(pairs) > 1 else "")
            yield from self._contradiction(shown, earlier, later)

    def _contradiction(self, shown: str, earlier: Wording, later: Wording) -> Iterator[Remark]:
        first, second = self._cues[earlier.owner], self._cues[later.owner]
        text = f"{shown} stands in the cues '{first.id}' ({earlier.place}) and '{second.id}'"
        kinds = {first.category, second.category}
        if "pseudo" in kinds:
            return
        if "terminate" in kinds:
            if kinds != {"terminate"}:
                text += ", one of which ends cues; keep one of them"
                yield error("contradicting_cues", later.place, text)
        elif _meet(first, second):
            if _says(first) == _says(second):
                if _reach(first) == _reach(second):
                    text += ", which say the same; keep it in one"
                    yield note("shared_cue", later.place, text)
            elif kinds <= _RIVALS or len(kinds) == 1:
                text += ", which say different things of the same mention, and which counts is chance; keep one"
                yield error("contradicting_cues", later.place, text)

    @cached_property
    def _edges(self) -> set[str]:
        """Beginnings and ends of all cues that are no pseudo cues."""
        found: set[str] = set()
        for literal, holders in self._holders.items():
            if any(self._cues[one.owner].category != "pseudo" for one in holders):
                words = literal.split()
                found |= {" ".join(words[:end]) for end in range(1, len(words) + 1)}
                found |= {" ".join(words[start:]) for start in range(len(words))}
        return found

    def _hides_nothing(self, one: Wording) -> Iterator[Remark]:
        """Yield a pseudo cue that holds no cue, or is itself one: a cue hides the shorter ones alone."""
        where = f"'{one.phrase}' in the pseudo cue '{one.owner}'"
        cues = {
            literal: other
            for literal in one.literals
            for other in self._holders[literal]
            if self._cues[other.owner].category != "pseudo"
        }
        if one.literals <= cues.keys():
            other = cues[min(cues)]
            text = f"{where} is also the cue '{other.owner}' ({other.place}), and so hides nothing"
            yield error("pseudo_is_cue", one.place, f"{text}; take it out of one of them")
        elif all(self._edges.isdisjoint(parts(literal)) for literal in one.literals):
            text = f"{where} holds no words of any cue, and so hides nothing; take it out"
            yield error("hides_nothing", one.place, text)


def read_sections(patterns: PatternSet) -> set[SectionCategory]:
    """Return the sections in which a report can have mentions."""
    always = {SectionCategory.FINDINGS, SectionCategory.INDICATION}
    return (set(patterns.headings) | always) - {SectionCategory.TECHNIQUE}


def _says(cue: CueRule) -> tuple[object, ...]:
    return cue.category, cue.certainty, cue.change, cue.method


def _reach(cue: CueRule) -> tuple[object, ...]:
    limits = cue.max_words, cue.max_mentions, cue.crosses, cue.closes
    return cue.direction, cue.value, tuple(cue.findings), tuple(cue.sections), limits


def _meet(first: CueRule, second: CueRule) -> bool:
    """Whether both can govern one mention from the same place."""
    ways = {first.direction, second.direction}
    if ways == {"forward", "backward"}:
        return False
    # backwards, the one speaks only as the value of a field, where the other does not look for one
    if "backward" in ways and first.value != second.value:
        return False
    return _common(first.findings, second.findings) and _common(first.sections, second.sections)


def _common(first: Sequence[str], second: Sequence[str]) -> bool:
    return not first or not second or not set(first).isdisjoint(second)


def _list(names: Sequence[str]) -> str:
    return ", ".join(str(name) for name in names)
