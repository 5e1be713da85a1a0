"""What follows from the facts of one side: which atoms hold, which rule decides, what is missing.

All of it depends on nothing but the set of basic atoms that hold, and few such sets occur in an
archive: each is thought through once.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from itertools import combinations
from typing import TYPE_CHECKING, Literal

from extractor.errors import PatternError
from extractor.knowledge.expressions import parse_expression
from extractor.model import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from extractor.knowledge.expressions import Expression
    from extractor.knowledge.schema import CaseDefinition, CaseRule

_RANK = {level: rank for rank, level in enumerate(reversed(Level))}
_LIFTABLE_ROLES = frozenset({"core", "minor"})
_SETTLED = frozenset({Level.STATED, Level.PROBABLE, Level.NONE})
_MAX_TOGETHER = 2
"""How many more facts at a time are tried when saying what is missing."""
_KEPT = 20_000
_SCOPES = ("report", "side")

Scope = Literal["report", "side"]

Basis = frozenset[str]
"""Names of the atoms on mentions or demographics that hold, and of the facts of the study that do."""


class Verdicts:
    """The conditions and rules of a case definition, applied to sets of basic atoms."""

    def __init__(self, source: CaseDefinition, conditions: Mapping[str, Expression]) -> None:
        """Take a definition and those of its atoms that are expressions of others.

        Raises:
            PatternError: expressions that need each other.

        """
        self._conditions = [(name, conditions[name]) for name in _ordered(conditions)]
        rules = [(parse_expression(rule.when), rule) for rule in source.rules]
        self._rules = {
            scope: [pair for pair in rules if pair[1].scope == scope] for scope in _SCOPES
        }
        self._lifting = [
            name for name, atom in source.atoms.items() if atom.role in _LIFTABLE_ROLES
        ]
        self._of_sides = needed(
            [name for condition, _ in self._rules["side"] for name in condition.names], conditions
        ) | set(self._lifting)
        self.holding = lru_cache(maxsize=_KEPT)(self._holding)
        self._missing_of = lru_cache(maxsize=_KEPT)(self._missing)

    def _holding(self, basis: AbstractSet[str]) -> Basis:
        """Return every atom that holds on a basis."""
        known = set(basis)
        for name, condition in self._conditions:
            if name not in known and condition(known):
                known.add(name)
        return frozenset(known)

    def rule(self, basis: Basis, scope: Scope) -> CaseRule | None:
        """Return the first rule of a scope whose condition holds."""
        return self._first(self.holding(basis), scope)

    def side_rule(self, basis: Basis) -> CaseRule:
        """Return the rule that decides a side; the last one always holds."""
        return self._deciding(self.holding(basis))

    def missing(self, basis: Basis) -> tuple[str, ...]:
        """Return the atoms of which one, or two together, would lift the side; empty where nothing would."""
        return self._missing_of(basis & self._of_sides)

    def _first(self, holding: Basis, scope: Scope) -> CaseRule | None:
        return next((rule for condition, rule in self._rules[scope] if condition(holding)), None)

    def _deciding(self, holding: Basis) -> CaseRule:
        rule = self._first(holding, "side")
        assert rule is not None  # noqa: S101 - the case definition ends with a rule without condition
        return rule

    def _missing(self, basis: Basis) -> tuple[str, ...]:
        holding = self._holding(basis)
        level = Level(self._deciding(holding).level)
        if level in _SETTLED:
            return ()
        absent = [name for name in self._lifting if name not in holding]
        for together in range(1, _MAX_TOGETHER + 1):
            cases = list(combinations(absent, together))
            lifted = self._lifted(basis, cases, level)
            if lifted:
                return tuple(dict.fromkeys(name for names in lifted for name in names))
        return ()

    def _lifted(
        self, basis: AbstractSet[str], cases: Sequence[tuple[str, ...]], level: Level
    ) -> list[tuple[str, ...]]:
        """Return those of some sets of further facts with which a higher level than this would be reached.

        All are judged at once, each as one bit of a number: what holds in which of them.
        """
        every = (1 << len(cases)) - 1
        known = defaultdict(int, dict.fromkeys(basis, every))
        for position, names in enumerate(cases):
            for name in names:
                known[name] |= 1 << position
        for name, condition in self._conditions:
            known[name] |= condition.over(known, every)
        higher, undecided = 0, every
        for condition, rule in self._rules["side"]:
            decided = condition.over(known, every) & undecided
            undecided ^= decided
            if _RANK[Level(rule.level)] > _RANK[level]:
                higher |= decided
        return [names for position, names in enumerate(cases) if higher >> position & 1]


def _ordered(conditions: Mapping[str, Expression]) -> list[str]:
    """Return the names of expressions, each behind those that it needs."""
    needs = {
        name: [one for one in condition.names if one in conditions]
        for name, condition in conditions.items()
    }
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        circle = ", ".join(dict.fromkeys(error.args[1]))
        msg = f"the atoms {circle} need each other; take one of them out of the 'when' of another"
        raise PatternError(msg) from None


def needed(names: Iterable[str], conditions: Mapping[str, Expression]) -> set[str]:
    """Return the names, and all that their conditions use."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += conditions[name].names if name in conditions else ()
    return found
