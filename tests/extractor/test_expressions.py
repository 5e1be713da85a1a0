from __future__ import annotations

import pytest

from extractor import PatternError
from extractor.knowledge.expressions import parse_expression


@pytest.mark.parametrize(
    ("source", "true_names", "expected"),
    [
        ("a and b", {"a"}, False),
        ("a and b", {"a", "b"}, True),
        ("a or not b", set(), True),
        ("at_least(2, a, b, c)", {"a", "c"}, True),
        ("at_least(2, a, b, c)", {"c"}, False),
        ("(a or b) and not c", {"b", "c"}, False),
        ("True", set(), True),
    ],
)
def test_conditions_are_evaluated(source: str, true_names: set[str], *, expected: bool) -> None:
    assert parse_expression(source)(true_names) is expected


def test_names_are_listed_once_in_order() -> None:
    assert parse_expression("b and (a or b)").names == ("b", "a")


@pytest.mark.parametrize(
    "source",
    ["__import__('os')", "a.b", "a + b", "a == 1", "at_least(a, b)", "at_least()", "a and", "[a]"],
)
def test_nothing_else_of_python_can_be_written(source: str) -> None:
    with pytest.raises(PatternError):
        parse_expression(source)
