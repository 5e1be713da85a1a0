from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", (ROOT / "SECURITY.md").read_text("utf-8"))


def defined_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_the_test_that_shows_a_promise_is_there(file: str, name: str) -> None:
    assert name in defined_in(ROOT / file)


def test_each_promise_names_a_test() -> None:
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    promises = text.split("## What is promised")[1].split("## What is not promised")[0]
    heads = re.split(r"^(?=\*\*)", promises, flags=re.MULTILINE)[1:]
    assert heads
    assert [head[:60] for head in heads if "::test_" not in head] == []
