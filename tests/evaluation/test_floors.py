"""Floors a little below the figures of today, so that no change makes them worse unnoticed.

Raise a floor when its figure has risen. Nothing is shown of a text: the test half stays unseen.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation import corpora
from evaluation.corpora import REAL_MODULUS, Half, halves
from evaluation.suite import Suite, measure_levels, measure_targets
from extractor import Extractor

ROOT = Path(__file__).parents[2]
GOLD = ROOT / "tests" / "gold"
REAL_TEXTS = ROOT.parent / "shared" / "data" / "reports"
MENTIONS = "mentions with status, F1"


@pytest.fixture(scope="module")
def reader() -> Extractor:
    return Extractor.load()


@pytest.fixture(scope="module")
def own(reader: Extractor) -> Suite:
    suite = Suite(reader.engine)
    measure_targets(suite, reader, "own gold", halves(corpora.read_own(GOLD)), aim=0)
    measure_levels(suite, reader, "own gold", halves(corpora.read_own_levels(GOLD)))
    return suite


@pytest.fixture(scope="module")
def earlier(reader: Extractor) -> Suite:
    suite = Suite(reader.engine)
    lines = {Half.DEVELOPMENT: corpora.read_earlier(GOLD)}
    measure_targets(suite, reader, "earlier gold", lines, aim=0)
    labelled = corpora.read_archive_levels(GOLD, ROOT / "examples" / "archive.csv")
    measure_levels(suite, reader, "sample archive", {Half.DEVELOPMENT: labelled})
    return suite


def figure(suite: Suite, measure: str, half: Half) -> float:
    (row,) = [one for one in suite.rows if (one.measure, one.half) == (measure, half)]
    assert row.figure is not None
    return row.figure


@pytest.mark.parametrize(
    ("measure", "development", "test"),
    [
        (MENTIONS, 0.99, 0.955),
        ("site right", 0.955, 0.95),
        ("side right", 0.985, 0.975),
        ("level exactly right", 0.985, 0.945),
        ("probable or stated, F1", 0.98, 0.93),
    ],
)
def test_our_own_gold_is_read_no_worse_than_before(
    own: Suite, measure: str, development: float, test: float
) -> None:
    assert figure(own, measure, Half.DEVELOPMENT) >= development
    assert figure(own, measure, Half.TEST) >= test


@pytest.mark.parametrize(
    ("measure", "floor"),
    [
        (MENTIONS, 0.91),
        ("site right", 0.88),
        ("side right", 0.935),
        ("level exactly right", 0.98),
        ("probable or stated, F1", 0.98),
    ],
)
def test_the_earlier_gold_is_read_no_worse_than_before(
    earlier: Suite, measure: str, floor: float
) -> None:
    assert figure(earlier, measure, Half.DEVELOPMENT) >= floor


@pytest.mark.skipif(not REAL_TEXTS.is_dir(), reason="the real texts are not in the project")
def test_real_texts_are_read_no_worse_than_before(reader: Extractor) -> None:
    suite = Suite(reader.engine)
    real = halves(corpora.read_real(GOLD, REAL_TEXTS), modulus=REAL_MODULUS)
    measure_targets(suite, reader, "real", real, aim=0)
    assert figure(suite, MENTIONS, Half.DEVELOPMENT) >= 0.93
    assert figure(suite, MENTIONS, Half.TEST) >= 0.86


def test_reports_of_the_archive_have_its_texts_and_levels() -> None:
    archive = corpora.read_archive_levels(GOLD, ROOT / "examples" / "archive.csv")
    levels = {line.id: (line.text, line.expected.level) for line in archive}
    shared = [
        line
        for line in corpora.read_reports(GOLD / "development_reports.jsonl")
        if line.id in levels
    ]
    assert shared
    for line in shared:
        assert (line.text, line.expected.level) == levels[line.id], line.id


def test_there_is_as_much_gold_as_the_project_asks_for() -> None:
    snippets = ("snippets.jsonl", "development_snippets.jsonl")
    assert sum(len(corpora.read_reports(GOLD / name)) for name in snippets) >= 250
    assert len(corpora.read_own_levels(GOLD)) >= 80
    labels = (GOLD / "real_standoff.jsonl").read_text(encoding="utf-8")
    assert labels.count("\n") >= 300
    assert '"text"' not in labels
