from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from evaluation.corpora import ChestReport
from evaluation.counts import Tally
from evaluation.gold import GoldReport, parse_gold
from evaluation.scorers import score_chest, score_level, score_targets
from extractor.model import Certainty, Experiencer, Laterality, Level, Status
from tests.results import make_mention

if TYPE_CHECKING:
    from extractor.model import Mention

TEXT = "effusion and oedema, fracture; effusion gone"
EFFUSION = {"finding": "effusion", "start": 0, "end": 8, "status": "affirmed",
            "sites": ["hip_joint"], "laterality": "left"}  # fmt: skip


def gold(**expected: Any) -> GoldReport:
    line = parse_gold(json.dumps({"id": "g", "text": TEXT, "expected": expected}), "x:1")
    assert isinstance(line, GoldReport)
    return line


def counts(tally: Tally) -> dict[tuple[str, str], list[int]]:
    return dict(tally.counts)


def targets(*found: Mention, **changes: Any) -> tuple[dict[tuple[str, str], list[int]], list[str]]:
    tally = Tally()
    mistakes = score_targets(gold(mentions=[{**EFFUSION, **changes}]), found, tally)
    return counts(tally), [one.kind for one in mistakes]


def test_a_target_is_right_where_finding_and_status_are_and_the_words_overlap() -> None:
    found, mistakes = targets(replace(make_mention(), start=5, end=12))
    assert found == {
        ("target", "effusion"): [1, 0, 0], ("status", "right"): [1, 0, 0],
        ("site", "right"): [1, 0, 0], ("side", "right"): [1, 0, 0],
    }  # fmt: skip
    assert mistakes == []


def test_a_wrong_status_is_one_false_and_one_missed_and_its_sites_count() -> None:
    found, mistakes = targets(make_mention(status=Status.NEGATED, sites=("hip_joint", "knee")))
    assert found["target", "effusion"] == [0, 1, 1]
    assert found["site", "right"] == [0, 0, 1]
    assert found["side", "right"] == [1, 0, 0]
    assert mistakes == ["status of effusion", "site of effusion"]


def test_sites_are_compared_as_a_set() -> None:
    found, _ = targets(make_mention(sites=("b", "a", "b")), sites=["a", "b"])
    assert found["site", "right"] == [1, 0, 0]


def test_what_is_missed_or_found_besides_is_an_error_of_targets_only() -> None:
    other = replace(make_mention("fracture"), start=21, end=29)
    elsewhere = replace(make_mention(), start=31, end=39)
    found, mistakes = targets(other, elsewhere)
    assert found == {("target", "effusion"): [0, 1, 1]}
    assert mistakes == ["missed", "false alarm"]
    assert targets(make_mention(), finding="fracture")[0] == {("target", "effusion"): [0, 1, 0]}


def test_another_side_is_wrong() -> None:
    found, mistakes = targets(replace(make_mention(), laterality=Laterality.RIGHT))
    assert found["side", "right"] == [0, 0, 1]
    assert mistakes == ["side of effusion"]


@pytest.mark.parametrize(
    ("expected", "read", "level", "case"),
    [
        ("stated", Level.STATED, [1, 0, 0], [1, 0, 0]),
        ("stated", Level.PROBABLE, [0, 0, 1], [1, 0, 0]),
        ("probable", Level.POSSIBLE, [0, 0, 1], [0, 0, 1]),
        ("possible", Level.PROBABLE, [0, 0, 1], [0, 1, 0]),
        ("none", Level.UNLIKELY, [0, 0, 1], [0, 0, 0]),
    ],
)
def test_a_level_is_right_exactly_and_a_case_where_it_is_one(
    expected: str, read: Level, level: list[int], case: list[int]
) -> None:
    tally = Tally()
    mistakes = score_level(gold(level=expected), read, tally)
    assert counts(tally) == {("level", "right"): level, ("case", "yes"): case}
    assert len(mistakes) == level[2]


def test_a_report_without_a_level_is_not_scored() -> None:
    tally = Tally()
    assert score_level(gold(mentions=[]), Level.NONE, tally) == []
    assert not tally.counts


def chest(*found: Mention) -> tuple[dict[tuple[str, str], list[int]], list[str]]:
    tally = Tally()
    line = ChestReport("c", TEXT, effusion=True, osteopenia=False)
    mistakes = score_chest(line, found, tally)
    return counts(tally), [one.kind for one in mistakes]


@pytest.mark.parametrize(
    ("certainty", "stated"), [(None, True), (Certainty.LIKELY, True), (Certainty.POSSIBLE, False)]
)
def test_a_chest_report_says_what_it_affirms_or_supposes(
    certainty: Certainty | None, *, stated: bool
) -> None:
    status = Status.UNCERTAIN if certainty else Status.AFFIRMED
    pleural = replace(make_mention(status=status, sites=("pleura",)), certainty=certainty)
    found, mistakes = chest(pleural, pleural, make_mention("osteopenia", status=Status.NEGATED))
    assert found == {
        ("effusion", "yes"): [1, 0, 0] if stated else [0, 0, 1],
        ("effusion or possible", "yes"): [1, 0, 0],
        ("osteopenia", "yes"): [0, 0, 0],
        ("osteopenia or possible", "yes"): [0, 0, 0],
    }
    assert bool(mistakes) is not stated


@pytest.mark.parametrize("status", [Status.NEGATED, Status.HISTORICAL, Status.HYPOTHETICAL])
def test_other_statuses_and_relatives_say_nothing(status: Status) -> None:
    relative = replace(make_mention(sites=("pleura",)), experiencer=Experiencer.OTHER)
    found, _ = chest(make_mention(status=status, sites=("pleura",)), relative)
    assert found["effusion", "yes"] == [0, 0, 1]


def test_marrow_oedema_and_joint_effusion_of_a_chest_report_are_false() -> None:
    found, mistakes = chest(
        make_mention("marrow_oedema", sites=()),
        make_mention(sites=("knee_joint",)),
        make_mention(sites=("pericardium",)),
        make_mention("marrow_oedema", status=Status.NEGATED),
    )
    assert found["not of a chest", "marrow_oedema"] == [0, 1, 0]
    assert found["not of a chest", "effusion"] == [0, 1, 0]
    assert mistakes == ["false alarm", "false alarm"]
