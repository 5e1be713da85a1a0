"""What follows from the facts of one side: which atoms hold, which rule decides, what is missing.

All of it depends on nothing but the set of basic atoms that hold, and few such sets occur in an
archive: each is thought through once.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

from extractor.model import Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extractor.knowledge.expressions import Expression
    from extractor.knowledge.schema import CaseDefinition, CaseRule

_RANK = {level: rank for rank, level in enumerate(reversed(Level))}
_LIFTABLE_ROLES = frozenset({"core", "minor"})
_SETTLED = frozenset({Level.STATED, Level.PROBABLE, Level.NONE})
_MAX_TOGETHER = 2
"""How many more facts at a time are tried when saying what is missing."""
_KEPT = 20_000

Basis = frozenset[str]
"""Names of the atoms on mentions or demographics that hold, and of the facts of the study that do."""


class Verdicts:
    """The conditions and rules of a case definition, applied to sets of basic atoms."""

    def __init__(
        self,
        source: CaseDefinition,
        conditions: Mapping[str, Expression],
        rules: Sequence[tuple[Expression, int]],
    ) -> None:
        self._source = source
        self._conditions = conditions
        self._rules = rules
        self.holding = lru_cache(maxsize=_KEPT)(self._holding)
        self.missing = lru_cache(maxsize=_KEPT)(self._missing)

    def _holding(self, basis: Basis, assumed: Basis = frozenset()) -> Basis:
        """Return every atom that holds on a basis, if those assumed did as well."""
        known: dict[str, bool] = {}

        def truth(name: str) -> bool:
            if name in basis or name in assumed:
                return True
            condition = self._conditions.get(name)
            if condition is None:
                return False
            if name not in known:
                known[name] = condition(truth)
            return known[name]

        return frozenset({*basis, *filter(truth, self._conditions)}) | assumed

    def rule(self, basis: Basis, scope: str, assumed: Basis = frozenset()) -> CaseRule | None:
        """Return the first rule of a scope whose condition holds."""
        holding = self.holding(basis, assumed)
        for condition, index in self._rules:
            rule = self._source.rules[index]
            if rule.scope == scope and condition(holding.__contains__):
                return rule
        return None

    def side_rule(self, basis: Basis, assumed: Basis = frozenset()) -> CaseRule:
        """Return the rule that decides a side; the last one always holds."""
        rule = self.rule(basis, "side", assumed)
        assert rule is not None  # noqa: S101 - the case definition ends with a rule without condition
        return rule

    def _missing(self, basis: Basis) -> tuple[str, ...]:
        """Return the atoms of which one, or two together, would lift the side; empty where nothing would."""
        level = Level(self.side_rule(basis).level)
        if level in _SETTLED:
            return ()
        holding = self.holding(basis)
        absent = [
            name
            for name, atom in self._source.atoms.items()
            if atom.role in _LIFTABLE_ROLES and name not in holding
        ]
        for together in range(1, _MAX_TOGETHER + 1):
            lifting: dict[str, None] = {}
            for names in combinations(absent, together):
                lifted = self.side_rule(basis, frozenset(names))
                if _RANK[Level(lifted.level)] > _RANK[level]:
                    lifting.update(dict.fromkeys(names))
            if lifting:
                return tuple(lifting)
        return ()
