"""The engine knows no disease: a second audit question is data alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import extractor as package
from evaluation.examples import check_examples
from extractor import Extractor, Report

DIRECTORY = Path(__file__).parent / "second_pattern_set"


@pytest.fixture(scope="module")
def stones() -> Extractor:
    return Extractor.load(DIRECTORY)


@pytest.mark.parametrize(
    ("text", "rule", "level"),
    [
        ("CT. Obstructing stone in the left ureter with left hydronephrosis.", "K1", "stated"),
        ("CT. Possible calculus in the right kidney.", "K2", "possible"),
        ("CT kidneys. No stones.", "K3", "none"),
        ("Chest CT. Clear.", "K0", "not_assessable"),
    ],
)
def test_another_question_is_answered_by_its_own_patterns(
    stones: Extractor, text: str, rule: str, level: str
) -> None:
    assessment = stones.extract(Report(text)).assessment
    assert (assessment.definition, assessment.rule, assessment.level) == (
        "obstructing_stone",
        rule,
        level,
    )


def test_sides_are_judged_apart(stones: Extractor) -> None:
    text = "CT. A stone in the left kidney but no stone in the right kidney."
    sides = stones.extract(Report(text)).assessment.sides
    assert {side: str(one.level) for side, one in sides.items()} == {
        "left": "possible",
        "right": "none",
    }
    assert sides["left"].missing == ("dilated",)


def test_its_examples_hold(stones: Extractor) -> None:
    assert check_examples(stones).faults == ()


def test_no_finding_site_or_rule_of_the_shipped_set_is_named_in_the_engine() -> None:
    patterns = Extractor.load().patterns
    names = {*patterns.findings, *patterns.case.atoms, *(rule.id for rule in patterns.rules)}
    names |= {site.id for site in patterns.anatomy.sites} | {patterns.case.name}
    # words of ours that a pattern set may use as a name, too
    names -= {"pattern", "hard", "soft", "explanatory", "resolving", "elsewhere", "spine"}
    source = Path(package.__file__).parent
    for path in source.rglob("*.py"):
        strings = re.findall(r"[\"']([\w.:-]+)[\"']", path.read_text(encoding="utf-8"))
        assert not names & set(strings), path.name
