from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation import EvaluationError, GoldError, GoldReport, GoldSpan, evaluate, read_gold
from evaluation.counts import Score, Tally, score
from evaluation.gold import GoldMention, parse_gold
from evaluation.match import match
from evaluation.render import render
from extractor.model import (
    Assessment,
    Certainty,
    Engine,
    Experiencer,
    Laterality,
    Level,
    Mention,
    PatientFacts,
    Report,
    Result,
    SectionCategory,
    SpanAssertion,
    Status,
    StudyFacts,
)

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "Marrow oedema of the left hip. No effusion. <b>Fracture</b>."


def mention(quote: str, finding: str, **changes: Any) -> Mention:
    start = TEXT.index(quote)
    values: dict[str, Any] = {
        "id": 1, "finding": finding, "quote": quote, "start": start, "end": start + len(quote),
        "status": Status.AFFIRMED, "certainty": None, "sites": ("hip",),
        "laterality": Laterality.LEFT, "severity": None, "extent": None, "change": None,
        "method": None, "experiencer": Experiencer.PATIENT, "section": SectionCategory.FINDINGS,
        "rule": "r", "cues": (),
    }  # fmt: skip
    return Mention(**{**values, **changes})


class Written:
    """Gives results that the test wrote: what is tested is the scoring."""

    engine = Engine("1", "2", "sha256:3")

    def __init__(self, mentions: tuple[Mention, ...] = (), level: Level = Level.NONE) -> None:
        self.mentions, self.level = mentions, level

    def extract(self, report: Report) -> Result:
        study = StudyFacts(None, True, False, False, Laterality.UNSPECIFIED)  # noqa: FBT003
        facts = PatientFacts(None, None, None, None)
        assessment = Assessment("d", self.level, None, "R", None, None, (), {})
        return Result(report.report_id, self.engine, study, facts, (), self.mentions, assessment)

    def assert_span(self, report: Report, start: int, end: int) -> SpanAssertion:
        words = report.text[start:end]
        if words == "effusion":
            return SpanAssertion(Status.NEGATED, None, Experiencer.PATIENT, ())
        return SpanAssertion(Status.UNCERTAIN, Certainty.LIKELY, Experiencer.OTHER, ())


def gold(**expected: Any) -> GoldReport:
    line = parse_gold(json.dumps({"id": "g", "text": TEXT, "expected": expected}), "x:1")
    assert isinstance(line, GoldReport)
    return line


def span(quote: str, **expected: Any) -> GoldSpan:
    start = TEXT.index(quote)
    target = {"start": start, "end": start + len(quote)}
    value = {"id": "s", "text": TEXT, "target": target, "expected": expected, "source": "ours"}
    line = parse_gold(json.dumps(value), "x:1")
    assert isinstance(line, GoldSpan)
    return line


def expected(quote: str, finding: str, **more: Any) -> dict[str, Any]:
    start = TEXT.index(quote)
    return {"finding": finding, "start": start, "end": start + len(quote), **more}


def by_name(scores: list[Score]) -> dict[tuple[str, str], tuple[int, int, int]]:
    return {
        (one.kind, one.name): (one.true_positives, one.false_positives, one.false_negatives)
        for one in scores
    }


def test_findings_and_their_attributes_are_scored_apart() -> None:
    line = gold(
        level="possible",
        mentions=[
            expected(
                "Marrow oedema", "marrow_oedema", status="affirmed", sites=["hip", "femoral_head"]
            ),
            expected("effusion", "effusion", status="negated", laterality="unspecified"),
        ],
    )
    reader = Written(
        (
            mention("Marrow oedema of the left hip", "marrow_oedema"),
            mention("effusion", "effusion"),
            mention("Fracture", "fracture"),
        ),
        Level.PROBABLE,
    )
    found = evaluate([line], reader)
    scores = by_name(found.scores)
    assert scores["finding", "all"] == (2, 1, 0)
    assert scores["finding", "fracture"] == (0, 1, 0)
    assert scores["status", "affirmed"] == (1, 1, 0)
    assert scores["status", "negated"] == (0, 0, 1)
    assert scores["site", "all"] == (1, 0, 1)
    assert scores["laterality", "left"] == (0, 1, 0)
    assert found.levels == {(Level.POSSIBLE, Level.PROBABLE): 1}
    assert found.level_accuracy == 0
    assert [mistake.kind for mistake in found.mistakes] == [
        "site of marrow_oedema", "status of effusion", "laterality of effusion", "false alarm", "level",
    ]  # fmt: skip
    assert found.predictions[0]["level"] == "probable"


def test_each_claim_of_a_given_span_is_scored_by_itself() -> None:
    found = evaluate(
        [
            span("effusion", negated=True, historical=False, experiencer="patient"),
            span("Fracture", negated=True, uncertain=True, experiencer="patient"),
            span("hip", status="uncertain"),
        ],
        Written(),
    )
    scores = by_name(found.scores)
    assert scores["negated", "yes"] == (1, 0, 1)
    assert scores["historical", "yes"] == (0, 0, 0)
    assert scores["uncertain", "yes"] == (1, 0, 0)
    assert scores["experiencer other", "yes"] == (0, 1, 0)
    assert scores["status", "uncertain"] == (1, 0, 0)
    assert found.predictions[1] == {
        "id": "s", "status": "uncertain", "certainty": "likely", "experiencer": "other",
    }  # fmt: skip
    assert json.dumps(found.predictions)


def test_the_page_shows_errors_in_their_sentences_as_text() -> None:
    page = render(
        evaluate([gold(level="none", mentions=[]), span("hip", negated=True)], Written()),
        "g<1>.jsonl",
    )
    assert "g&lt;1&gt;.jsonl" in page
    assert "<mark>hip</mark>" in page
    assert "&lt;b&gt;Fracture" in page


def test_the_longest_overlap_is_paired_first_and_each_mention_once() -> None:
    golds = [
        GoldMention(finding="effusion", start=0, end=10),
        GoldMention(finding="effusion", start=8, end=20),
    ]
    wide = mention("effusion", "effusion", start=5, end=20)
    pairs = match(golds, [wide])
    assert pairs == [(golds[1], wide)]
    assert match(golds, [mention("effusion", "fracture", start=0, end=20)]) == []


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), max_size=12))
def test_scores_lie_in_their_intervals_and_repeat(counts: list[tuple[int, int, int]]) -> None:
    tallies = []
    for hits, false_alarms, misses in counts:
        tally = Tally()
        tally.counts["finding", "effusion"] = [hits, false_alarms, misses]
        tallies.append(tally)
    scores = score(tallies, resamples=60)
    assert scores == score(tallies, resamples=60)
    for one in scores:
        for measure in (one.precision, one.recall, one.f1):
            if measure.value is not None and measure.low is not None and measure.high is not None:
                assert 0 <= measure.low <= measure.high <= 1


def test_perfect_reading_scores_one() -> None:
    tally = Tally()
    tally.hit("finding", "effusion")
    (one,) = score([tally])
    assert (one.f1.value, one.f1.low, one.f1.high) == (1, 1, 1)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        '{"id": "1", "text": "Zanzibar"}',
        '{"id": "1", "text": "Zanzibar", "expected": {"level": "certain"}}',
        '{"id": "1", "text": "Zanzibar", "target": {"start": 3, "end": 99}, "expected": {}}',
        '{"id": "1", "text": "Zanzibar", "expected": {"mentions": [{"finding": "f", "start": 5, "end": 5}]}}',
    ],
)
def test_lines_of_no_known_kind_are_named_without_their_text(tmp_path: Path, line: str) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(f"\n{line}\n")
    with pytest.raises(GoldError, match=r"gold\.jsonl:2") as raised:
        list(read_gold(path))
    assert "Zanzibar" not in str(raised.value)
    assert isinstance(raised.value, EvaluationError)
