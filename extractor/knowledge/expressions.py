"""Conditions of the case definition: ``C1 and (C2 or C3)``, ``at_least(2, m1, m2, m3)``.

Parsed with Python's own parser and checked against a short list of allowed forms; evaluated
over a mapping of names to truth. Nothing else of Python can be written in them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from extractor.errors import PatternError

Truth = Callable[[str], bool]
_Condition = Callable[[Truth], bool]


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled condition and the names that it uses, in order of first use."""

    source: str
    names: tuple[str, ...]
    _condition: _Condition

    def __call__(self, truth: Truth) -> bool:
        """Evaluate, asking ``truth`` for each name that matters."""
        return self._condition(truth)


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
    condition = _compile(tree.body, names, source)
    return Expression(source, tuple(dict.fromkeys(names)), condition)


def _compile(node: ast.expr, names: list[str], source: str) -> _Condition:
    if isinstance(node, ast.BoolOp):
        parts = [_compile(value, names, source) for value in node.values]
        if isinstance(node.op, ast.And):
            return lambda truth: all(part(truth) for part in parts)
        return lambda truth: any(part(truth) for part in parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inner = _compile(node.operand, names, source)
        return lambda truth: not inner(truth)
    if isinstance(node, ast.Name):
        name = node.id
        names.append(name)
        return lambda truth: truth(name)
    if isinstance(node, ast.Constant) and node.value is True:
        return lambda _: True
    if isinstance(node, ast.Call):
        return _at_least(node, names, source)
    msg = f"'{ast.unparse(node)}' is not allowed in the condition '{source}'"
    raise PatternError(msg)


def _at_least(node: ast.Call, names: list[str], source: str) -> _Condition:
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
    first = node.args[0]
    assert isinstance(first, ast.Constant)  # noqa: S101 - narrows the type; checked above
    count = int(str(first.value))
    parts = [_compile(argument, names, source) for argument in node.args[1:]]
    return lambda truth: sum(part(truth) for part in parts) >= count
