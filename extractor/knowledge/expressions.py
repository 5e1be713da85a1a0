"""Conditions of the case definition: ``C1 and (C2 or C3)``, ``at_least(2, m1, m2, m3)``.

Parsed with Python's own parser and checked against a short list of allowed forms, then written anew
from those forms alone as a function of the names that hold. Nothing else of Python can be written
in them.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor.errors import PatternError

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

_HOLDING = "holding"
"""The name of the only argument of a compiled condition."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled condition and the names that it uses, in order of first use."""

    source: str
    names: tuple[str, ...]
    _condition: Callable[[AbstractSet[str]], bool]

    def __call__(self, holding: AbstractSet[str]) -> bool:
        """Evaluate, given the names that hold."""
        return self._condition(holding)


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
    return Expression(source, tuple(dict.fromkeys(names)), _function(body))


def _function(body: ast.expr) -> Callable[[AbstractSet[str]], bool]:
    """Return a function of one argument with this body."""
    arguments = ast.arguments(
        posonlyargs=[], args=[ast.arg(_HOLDING)], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    tree = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, body)))
    # built by _rewritten of comparisons, and, or, not and sums; no word of the source is in it but as a string
    function: Callable[[AbstractSet[str]], bool] = eval(  # noqa: S307
        compile(tree, "<condition>", "eval"), {"__builtins__": {}}
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
