"""Phrases of finding rules that can never speak, or of which nobody decided what they mean."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from extractor.knowledge.remarks import Remark, error, note
from extractor.knowledge.wordings import UNLESS
from extractor.knowledge.words import ORDINARY_WORDS
from extractor.text.tokens import tokenise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extractor.knowledge.load import PatternSet
    from extractor.knowledge.schema import Rule
    from extractor.knowledge.wordings import Wording

_BLOCK_PRIORITY = 90
_MODESTY = 100
"""As in :mod:`extractor.reading.candidates`: what blocks, and what speaks only alone."""
_SHORTEST_ABBREVIATION, _LONGEST_ABBREVIATION = 2, 4
_ABBREVIATING = frozenset({"rule", "site", "region", "modalities", "densitometry"})
_T = TypeVar("_T")


def parts(literal: str) -> Iterator[str]:
    """Yield the literal and every shorter run of its words."""
    words = literal.split()
    for start in range(len(words)):
        for end in range(start + 1, len(words) + 1):
            yield " ".join(words[start:end])


@dataclass
class RuleChecks:
    """The checks of the finding rules of one pattern set."""

    patterns: PatternSet
    wordings: Sequence[Wording]

    def __post_init__(self) -> None:
        self._rules = {rule.id: rule for rule in self.patterns.rules}
        self._phrases = [one for one in self.wordings if one.kind == "rule"]
        self._unless: dict[tuple[str, str], set[str]] = defaultdict(set)
        for one in self.wordings:
            if one.kind in UNLESS:
                self._unless[one.owner, one.kind] |= one.literals

    def remarks(self) -> Iterator[Remark]:
        """Yield everything found."""
        yield from self._collisions()
        for one in self._phrases:
            yield from self._hidden(one)
            yield from self._excluded(one)
            yield from self._blocks_nothing(one)
        for one in self.wordings:
            yield from self._never_written_so(one)
            yield from self._ordinary_word(one)

    @cached_property
    def _by_literal(self) -> dict[str, list[Wording]]:
        found: dict[str, list[Wording]] = defaultdict(list)
        for one in self._phrases:
            for literal in one.literals:
                found[literal].append(one)
        return found

    def _collisions(self) -> Iterator[Remark]:
        """Yield the words that two rules of the same rank claim."""
        claimed: dict[tuple[str, str], list[tuple[str, Wording, Wording]]] = defaultdict(list)
        for literal, holders in self._by_literal.items():
            for position, later in enumerate(holders):
                for earlier in holders[:position]:
                    if self._collide(earlier, later) and not self._taken(literal, later):
                        claimed[earlier.owner, later.owner].append((literal, earlier, later))
        for (first, second), pairs in claimed.items():
            literal, earlier, later = min(pairs, key=lambda pair: (len(pair[0]), pair[0]))
            more = f" and {len(pairs) - 1} more" if len(pairs) > 1 else ""
            text = (
                f"'{literal}'{more} stands in the rules '{first}' ({earlier.place}) and '{second}'"
            )
            if _meaning(self._rules[first]) == _meaning(self._rules[second]):
                text += ", which mean the same; keep it in one, for which of their conditions counts is chance"
                yield note("shared_phrase", later.place, text)
            else:
                text += ", and which of them speaks is chance; take it out of one, or give one a higher priority"
                yield error("ambiguous_phrase", later.place, text)

    def _collide(self, earlier: Wording, later: Wording) -> bool:
        first, second = self._rules[earlier.owner], self._rules[later.owner]
        return (
            first is not second
            and not (first.beside or second.beside)
            and self._rank(first) == self._rank(second)
            and (not (earlier.exact and later.exact) or bool(earlier.forms & later.forms))
            and _meet(first.modalities, second.modalities)
            and _meet(first.requires_region, second.requires_region)
        )

    def _taken(self, literal: str, one: Wording) -> bool:
        return bool(self._hiders(frozenset({literal}), self._rules[one.owner]))

    def _hidden(self, one: Wording) -> Iterator[Remark]:
        """Yield a phrase that always holds a phrase of a rule that goes before it."""
        rule = self._rules[one.owner]
        hiders: dict[str, Wording] = {}
        for steps in one.steps():
            by = next((by for step in steps if (by := self._hiders(step, rule))), None)
            if by is None:
                return
            hiders.update(by)
        if hiders:
            literal, other = min(hiders.items())
            yield error(
                "hidden_phrase",
                one.place,
                f"'{one.phrase}' in rule '{rule.id}' never speaks: rule '{other.owner}' ({other.place}) goes before it with '{literal}'; take it out or give the rule a higher priority",
            )

    def _hiders(self, step: frozenset[str], rule: Rule) -> dict[str, Wording]:
        """Return what hides each literal of a step; nothing, where one of them is free."""
        found: dict[str, Wording] = {}
        for literal in step:
            for part in parts(literal):
                for other in self._by_literal.get(part, ()):
                    if self._goes_before(self._rules[other.owner], rule):
                        found[part] = other
                        break
                else:
                    continue
                break
            else:
                return {}
        return found

    def _goes_before(self, first: Rule, second: Rule) -> bool:
        """Whether the first rule takes its words from the second wherever both could speak."""
        return (
            self._rank(first) > self._rank(second)
            and first.case == "any"
            and _within(second.modalities, first.modalities)
            and _within(second.requires_region, first.requires_region)
            and all(
                self._unless[first.id, name] <= self._unless[second.id, name] for name in UNLESS
            )
        )

    def _rank(self, rule: Rule) -> int:
        declared = (
            self.patterns.findings[rule.finding].priority if rule.finding else _BLOCK_PRIORITY
        )
        modest = _MODESTY if rule.only_alone or rule.ellipsis else 0
        return (rule.priority or declared) - modest

    def _excluded(self, one: Wording) -> Iterator[Remark]:
        """Yield a phrase that always holds words with which its own rule keeps silent."""
        unless = self._unless.get((one.owner, "not_with"), set())
        steps = [step for steps in one.steps() for step in steps]
        if unless and any(
            all(any(part in unless for part in parts(literal)) for literal in step)
            for step in steps
        ):
            yield error(
                "excluded_phrase",
                one.place,
                f"'{one.phrase}' never speaks: its own rule '{one.owner}' says not_with words that are in it; take one of the two out",
            )

    @cached_property
    def _unblocked(self) -> set[str]:
        """Literals, and their beginnings and ends, of the rules that find something."""
        edges: set[str] = set()
        for one in self._phrases:
            if self._rules[one.owner].block:
                continue
            for literal in {literal for steps in one.steps() for step in steps for literal in step}:
                words = literal.split()
                edges |= {" ".join(words[:end]) for end in range(1, len(words) + 1)}
                edges |= {" ".join(words[start:]) for start in range(len(words))}
        return edges

    def _blocks_nothing(self, one: Wording) -> Iterator[Remark]:
        if not self._rules[one.owner].block:
            return
        held = {
            part
            for steps in one.steps()
            for step in steps
            for literal in step
            for part in parts(literal)
        }
        if self._unblocked.isdisjoint(held):
            yield error(
                "blocks_nothing",
                one.place,
                f"'{one.phrase}' in the block '{one.owner}' holds no words of any finding; take it out",
            )

    def _never_written_so(self, one: Wording) -> Iterator[Remark]:
        """Yield a case-sensitive phrase that the reader cuts into other words than it is written in."""
        if not one.exact:
            return
        for form in sorted(one.forms):
            cut = " ".join(tokenise(form).words)
            if cut != form:
                yield error(
                    "never_matches",
                    one.place,
                    f"'{form}' is read as '{cut}' and never matches in exact case; write it so",
                )

    def _ordinary_word(self, one: Wording) -> Iterator[Remark]:
        if one.kind not in _ABBREVIATING or one.exact:
            return
        for literal in sorted(one.literals & ORDINARY_WORDS):
            if _SHORTEST_ABBREVIATION <= len(literal) <= _LONGEST_ABBREVIATION:
                mend = (
                    "give it a rule of its own with 'case: exact'"
                    if one.kind in {"rule", "site"}
                    else "write it with a word beside it"
                )
                yield error(
                    "ordinary_word",
                    one.place,
                    f"'{one.phrase}' in {one.kind} '{one.owner}' matches the ordinary word '{literal}' too; {mend}",
                )


def _meaning(rule: Rule) -> tuple[object, ...]:
    """Return what a mention by the rule says."""
    return (
        rule.finding,
        rule.block,
        rule.status,
        rule.certainty,
        rule.change,
        rule.method,
        rule.extent,
        rule.severity,
        tuple(rule.sites),
        rule.laterality,
        rule.stands_alone,
    )


def _meet(first: Sequence[_T], second: Sequence[_T]) -> bool:
    """Whether two lists, of which an empty one means all, have something in common."""
    return not first or not second or not set(first).isdisjoint(second)


def _within(inner: Sequence[_T], outer: Sequence[_T]) -> bool:
    """Whether a list is within another, of which an empty one means all."""
    return not outer or (bool(inner) and set(inner) <= set(outer))
