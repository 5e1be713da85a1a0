"""Conditions of the case definition: ``C1 and (C2 or C3)``, ``at_least(2, m1, m2, m3)``.

Parsed with Python's own parser and checked against a short list of allowed forms, then written anew
from those forms alone as a function of the names that hold. Nothing else of Python can be written
in them.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from extractor.errors import PatternError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from collections.abc import Set as AbstractSet

_HOLDING = "holding"
"""The name of the argument of a compiled condition: what holds."""
_ALL = "all_cases"
"""The name of the other argument where many cases are judged at once: their bits."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled condition and the names that it uses, in order of first use."""

    source: str
    names: tuple[str, ...]
    _condition: Callable[[AbstractSet[str]], bool]
    _over_cases: Callable[[Mapping[str, int], int], int]

    def __call__(self, holding: AbstractSet[str]) -> bool:
        """Evaluate, given the names that hold."""
        return self._condition(holding)

    def over(self, cases: Mapping[str, int], all_cases: int) -> int:
        """Evaluate many cases at once, each a bit: given by name the cases in which it holds.

        Every name must be there.
        """
        return self._over_cases(cases, all_cases)


def parse_expression(source: str) -> Expression:
    """Compile a condition.

    Raises:
        PatternError: where it is anything but and, or, not, names, and ``at_least(n, ...)``.

    """
    try:
        tree = ast.parse(source.strip(), mode="eval")
    except SyntaxError:
        msg = f"cannot read the condition '{source}'; write names joined by and, or, not, at_least(n, a, b)"
        raise PatternError(msg) from None
    names: list[str] = []
    body = _rewritten(tree.body, names, source)
    return Expression(
        source,
        tuple(dict.fromkeys(names)),
        _function(body, _HOLDING),
        _function(_over_bits(body), _HOLDING, _ALL),
    )


def _function(body: ast.expr, *names: str) -> Callable[..., Any]:
    """Return a function of arguments of these names with this body."""
    arguments = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(name) for name in names],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )
    tree = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, body)))
    # built by _rewritten of comparisons, and, or, not and sums; no word of the source is in it but as a string
    function: Callable[..., Any] = eval(  # noqa: S307
        compile(tree, "<condition>", "eval"),
        {"__builtins__": {}, _at_least_of.__name__: _at_least_of},
    )
    return function


def _rewritten(node: ast.expr, names: list[str], source: str) -> ast.expr:
    """Return the same condition over the names that hold; note the names."""
    if isinstance(node, ast.BoolOp):
        return ast.BoolOp(node.op, [_rewritten(value, names, source) for value in node.values])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ast.UnaryOp(ast.Not(), _rewritten(node.operand, names, source))
    if isinstance(node, ast.Name):
        names.append(node.id)
        return ast.Compare(ast.Constant(node.id), [ast.In()], [ast.Name(_HOLDING, ctx=ast.Load())])
    if isinstance(node, ast.Constant) and node.value is True:
        return ast.Constant(value=True)
    if isinstance(node, ast.Call):
        return _at_least(node, names, source)
    msg = f"'{ast.unparse(node)}' is not allowed in the condition '{source}'"
    raise PatternError(msg)


def _at_least(node: ast.Call, names: list[str], source: str) -> ast.expr:
    well_formed = (
        isinstance(node.func, ast.Name)
        and node.func.id == "at_least"
        and not node.keywords
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, int)
    )
    if not well_formed:
        msg = f"'{ast.unparse(node)}' is not allowed in the condition '{source}'; only at_least(n, a, b, ...) is"
        raise PatternError(msg)
    total: ast.expr = ast.Constant(value=0)
    for argument in node.args[1:]:
        total = ast.BinOp(total, ast.Add(), _rewritten(argument, names, source))
    return ast.Compare(total, [ast.GtE()], [node.args[0]])


def _over_bits(node: ast.expr) -> ast.expr:
    """Return a rewritten condition as one over bits, a bit for each case."""
    every = ast.Name(_ALL, ctx=ast.Load())
    if isinstance(node, ast.BoolOp):
        joined: ast.operator = ast.BitAnd() if isinstance(node.op, ast.And) else ast.BitOr()
        parts = [_over_bits(value) for value in node.values]
        return reduce(lambda one, other: ast.BinOp(one, joined, other), parts)
    if isinstance(node, ast.UnaryOp):
        return ast.BinOp(every, ast.BitXor(), _over_bits(node.operand))
    if isinstance(node, ast.Constant):
        return every
    assert isinstance(node, ast.Compare)  # noqa: S101 - _rewritten makes nothing else
    if isinstance(node.ops[0], ast.In):
        return ast.Subscript(ast.Name(_HOLDING, ctx=ast.Load()), node.left, ctx=ast.Load())
    summands = [_over_bits(one) for one in _summands(node.left)]
    counted = ast.Name(_at_least_of.__name__, ctx=ast.Load())
    return ast.Call(counted, [node.comparators[0], every, *summands], keywords=[])


def _summands(node: ast.expr) -> list[ast.expr]:
    """Return what a sum from zero on adds."""
    if isinstance(node, ast.BinOp):
        return [*_summands(node.left), node.right]
    return []


def _at_least_of(number: int, all_cases: int, *parts: int) -> int:
    """Return the cases in which so many of the parts hold."""
    # by how many parts hold so far, the cases in which at least so many do
    reached = [all_cases, *([0] * max(number, 0))]
    for part in parts:
        for count in range(len(reached) - 1, 0, -1):
            reached[count] |= reached[count - 1] & part
    return reached[-1]
