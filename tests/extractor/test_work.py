"""How much work reading takes, counted and not timed: a clock on a busy machine proves nothing.

A limit is raised only with a reason in the commit that raises it; lower it when work is saved.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from extractor import Extractor, Report
from extractor.medspacy_adapter import CueFinder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

GOLD = Path(__file__).resolve().parents[1] / "gold" / "development_reports.jsonl"
REPORTS = 100
CALLS_PER_KILOBYTE = 4_600
"""Python functions called; on Python 3.11, later versions call fewer."""
CONTEXT_SHARE = 0.57
"""Of all words, those that ConText is given: sentences without a mention are none of its business."""


@pytest.fixture(scope="module")
def texts() -> list[str]:
    lines = GOLD.read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines][:REPORTS]


def test_reading_a_kilobyte_takes_no_more_calls_than_it_did(texts: Sequence[str]) -> None:
    extractor = Extractor.load()
    extractor.extract(Report(texts[0]))
    assert calls(extractor, texts) / (sum(map(len, texts)) / 1_000) < CALLS_PER_KILOBYTE


@pytest.mark.parametrize(
    "unit",
    [
        "marrow oedema or effusion of the left hip, ",
        "Marrow oedema of the hip. ",
        "Bone marrow oedema of the left femoral head (small effusion) - no fracture. ",
        "FINDINGS: No effusion.\n",
        "Right hip:\n- effusion, left normal; ",
        # Cues are held against each other, and a sentence of them has many.
        "no possible likely without effusion ",
        "no history of likely ",
    ],
)
def test_twice_the_text_takes_about_twice_the_work(extractor: Extractor, unit: str) -> None:
    half, whole = (unit * (chars // len(unit)) for chars in (15_000, 30_000))
    extractor.extract(Report(half))
    assert calls(extractor, [whole]) < 2.4 * calls(extractor, [half])


def calls(extractor: Extractor, texts: Sequence[str]) -> int:
    """Return how many functions of Python are called while texts are read."""
    number = 0

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal number
        number += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        for text in texts:
            extractor.extract(Report(text))
    finally:
        sys.setprofile(before)
    return number


def test_context_sees_only_sentences_that_hold_a_mention(
    texts: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    extractor = Extractor.load()
    seen = 0
    find = CueFinder.find

    def counting(finder: CueFinder, sentences: Sequence[tuple[str, ...]]) -> Any:
        nonlocal seen
        seen += sum(map(len, sentences))
        return find(finder, sentences)

    monkeypatch.setattr(CueFinder, "find", counting)
    words = 0
    for text in texts:
        document, _ = extractor._scan(Report(text))
        words += len(document.tokens)
        extractor.extract(Report(text))
    assert seen / words < CONTEXT_SHARE


def test_a_report_that_is_repeated_gives_context_nothing_to_do(
    texts: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    extractor = Extractor.load()
    first = [extractor.extract(Report(text)) for text in texts]

    def refuse(*_: Any) -> Any:
        raise AssertionError("a sentence that is known was given to ConText again")

    monkeypatch.setattr(CueFinder, "_find", refuse)
    assert [extractor.extract(Report(text)) for text in texts] == first
