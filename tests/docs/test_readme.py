"""The README shows what the code does: its example is read and compared."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from extractor import Extractor, Report

README = Path(__file__).parents[2] / "README.md"


def contains(whole: Any, part: Any) -> bool:
    """Whether a JSON value holds all that a shortened one says."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            key in whole and contains(whole[key], value) for key, value in part.items()
        )
    if isinstance(part, list):
        return all(any(contains(one, wanted) for one in whole) for wanted in part)
    return bool(whole == part)


@pytest.fixture(scope="module")
def blocks() -> list[tuple[str, str]]:
    return re.findall(r"```(\w*)\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_the_example_result_is_what_the_extractor_says(blocks: list[tuple[str, str]]) -> None:
    text = next(body for _, body in blocks if body.startswith("MRI LEFT HIP"))
    shown = json.loads(next(body for kind, body in blocks if kind == "json"))
    result = json.loads(json.dumps(Extractor.load().extract(Report(text)).to_dict()))
    for key, value in shown.items():
        assert contains(result[key], value), key


def test_the_two_commands_are_make_targets(blocks: list[tuple[str, str]]) -> None:
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    commands = re.findall(r"^make (\w+)", "".join(body for _, body in blocks), re.MULTILINE)
    assert commands == ["demo", "test"]
    assert all(f"\n{name}: " in makefile for name in commands)


def test_every_linked_file_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert links
    assert all((README.parent / link).exists() for link in links)
