"""No regular expression that reports or archives meet can be made to run for ever.

Patterns hold none: the phrase language has no repeats. Those of the code are found wherever they are
kept, and each is given long texts of the kind that makes a matcher try every way to divide them.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

import archives
import extractor
from extractor import Extractor
from extractor.errors import PatternError
from extractor.knowledge.phrases import PhraseCompiler

if TYPE_CHECKING:
    from collections.abc import Iterator

MATCHED, SEARCHED = 6_000, 500
"""Characters. Squares of them are nothing and cubes of them hours, so that a bad one meets the test's timeout."""
PUMPS = (
    "a", "aa", "A", "Aa ", "ab ", "a-", "no ", "á", "1", "1,", "1.1", "#1", " ", "\t", "\n", "\n ", " \n", "-",
    "x:", "X: ", "= ", "|", "&", "<", "<a ", ".", "...", "(", "[", "'", '"', "\\", "_", "1. ", "- a\n",
)  # fmt: skip
SPOILERS = ("<", "!", "\n\na1:")
"""What comes behind: a match that fails at the end is tried in all ways."""
PATHOLOGICAL = (
    r"(a+)+$", r"(a|a)*$", r"(\w+\s?)*$", r"([a-z]+)*\d", r"(.*a){60}", r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"(a|aa)+$", r"(x+x+)+y", r"(?:\d+,?)+;", r"(\s*\S+\s*)+:",
)  # fmt: skip


def expressions() -> dict[str, re.Pattern[Any]]:
    """Return every compiled expression that our own modules and a loaded Extractor hold."""
    found: dict[str, re.Pattern[Any]] = {}
    waiting: list[Any] = [Extractor.load()]
    for package in (extractor, archives):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            waiting += vars(importlib.import_module(info.name)).values()
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            if isinstance(one, re.Pattern):
                found[repr(one.pattern)] = one
            waiting += _held(one)
    return found


def _held(one: Any) -> Iterator[Any]:
    """Yield what a container, or an object of ours, holds."""
    if isinstance(one, dict):
        yield from one.values()
    elif isinstance(one, (list, tuple, set, frozenset)):
        yield from one
    elif type(one).__module__.startswith(("extractor", "archives")):
        names = {name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())}
        names |= getattr(one, "__dict__", {}).keys()
        yield from (getattr(one, name, None) for name in names)


def test_no_expression_of_ours_runs_for_ever() -> None:
    found = expressions()
    assert len(found) > 60, "those of the modules and of the pattern set"
    for expression in found.values():
        for pump, spoiler in product(PUMPS, SPOILERS):
            expression.match(_text(pump, MATCHED, spoiler, like=expression.pattern))
            expression.search(_text(pump, SEARCHED, spoiler, like=expression.pattern))


def _text(pump: str, chars: int, spoiler: str, *, like: str | bytes) -> Any:
    text = pump * (chars // len(pump)) + spoiler
    return text if isinstance(like, str) else text.encode()


@pytest.mark.parametrize("expression", PATHOLOGICAL)
def test_a_regular_expression_in_a_phrase_is_refused(expression: str) -> None:
    with pytest.raises(PatternError, match="is written as a regular expression"):
        PhraseCompiler({}).compile(f"oedema {expression}")


@pytest.mark.parametrize(
    "phrase", ["T2+", "?TOH", "C++ sign", "oedema (+ve)", "DEXA T-score", "1.5 T", "+/-"]
)
def test_words_with_signs_in_them_are_words(phrase: str) -> None:
    assert PhraseCompiler({}).compile(phrase)
