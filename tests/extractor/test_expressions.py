from __future__ import annotations

from itertools import combinations

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


@pytest.mark.parametrize(
    "source",
    [
        "a and b or not c",
        "not (a and b) and True",
        "at_least(2, a, b and c, not c)",
        "at_least(0, a)",
        "a and b and c or at_least(3, a, b, c)",
    ],
)
def test_many_cases_at_once_are_judged_as_each_by_itself(source: str) -> None:
    condition = parse_expression(source)
    cases = [set(one) for number in range(4) for one in combinations("abc", number)]
    bits = {
        name: sum(1 << position for position, one in enumerate(cases) if name in one)
        for name in "abc"
    }
    judged = condition.over(bits, (1 << len(cases)) - 1)
    assert [bool(judged >> position & 1) for position in range(len(cases))] == [
        condition(one) for one in cases
    ]
