"""What a review of a sample says of a search, with decisions whose result is known."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from audits.errors import ReviewError
from audits.review_file import Decision, read_review, write_review
from audits.sampling import Item, Sample, Stratum
from audits.validation import as_json, sentences, validate

if TYPE_CHECKING:
    from pathlib import Path

TOTALS = {Stratum.CASES: 40, Stratum.NAMED: 300, Stratum.REST: 10_000}


def sample(**drawn: int) -> Sample:
    items: list[Item] = []
    for stratum in Stratum:
        for _ in range(drawn.get(stratum, 0)):
            number = len(items) + 1
            items.append(
                Item(f"V{number:04d}", stratum, number, f"R{number}", None, None, "a.csv", number)
            )
    return Sample("sha256:00", 1, TOTALS, tuple(items))


def decisions(drawn: Sample, stratum: Stratum, *given: Decision) -> dict[str, Decision]:
    names = [one.item for one in drawn.items if one.stratum == stratum]
    return dict(zip(names, given, strict=False))


def test_the_predictive_value_leaves_out_what_is_unclear_and_says_the_worst_as_well() -> None:
    drawn = sample(cases=10)
    found = validate(
        drawn,
        [
            decisions(
                drawn,
                Stratum.CASES,
                *[Decision.CASE] * 6,
                *[Decision.NO_CASE] * 2,
                *[Decision.UNCLEAR] * 2,
            )
        ],
    )
    assert (found.ppv.hits, found.ppv.of) == (6, 8)
    assert (found.ppv_at_worst.hits, found.ppv_at_worst.of) == (6, 10)
    assert found.reviewed[Stratum.CASES] == 10


def test_misses_are_told_for_the_whole_stratum_with_their_bounds() -> None:
    drawn = sample(named=30, rest=50)
    review = decisions(drawn, Stratum.NAMED, *[Decision.CASE] * 3, *[Decision.NO_CASE] * 27)
    review |= decisions(drawn, Stratum.REST, *[Decision.NO_CASE] * 50)
    found = validate(drawn, [review])
    named, rest = found.missed[Stratum.NAMED], found.missed[Stratum.REST]
    assert named.estimate == pytest.approx(30)
    assert named.bounds[0] < 30 < named.bounds[1]
    assert rest.estimate == 0
    assert rest.bounds[1] > 500
    told = " ".join(sentences(found))
    assert "none seen, yet up to" in told
    assert "about 30 missed there" in told


def test_a_miss_that_was_seen_is_certain() -> None:
    drawn = sample(named=100)
    review = decisions(drawn, Stratum.NAMED, Decision.CASE, *[Decision.NO_CASE] * 99)
    found = validate(drawn, [review])
    assert found.missed[Stratum.NAMED].bounds[0] >= 1


def test_where_two_reviewers_disagree_neither_counts() -> None:
    drawn = sample(cases=4)
    first = decisions(drawn, Stratum.CASES, *[Decision.CASE] * 4)
    second = {**first, "V0002": Decision.NO_CASE}
    found = validate(drawn, [first, second])
    assert (found.ppv.hits, found.ppv.of) == (3, 3)
    assert found.agreement is not None
    assert found.agreement.disagreements == ("V0002",)
    assert as_json(found)["agreement"]["items"] == 4


def test_nothing_reviewed_claims_nothing() -> None:
    told = " ".join(sentences(validate(sample(cases=3), [{}])))
    assert "unknown, nothing was reviewed" in told
    assert "how many were missed there is unknown" in told


def test_it_says_how_many_more_to_review() -> None:
    drawn = sample(cases=10)
    review = decisions(drawn, Stratum.CASES, *[Decision.CASE] * 8, *[Decision.NO_CASE] * 2)
    wide, narrow = (validate(drawn, [review], width=width) for width in (0.4, 0.1))
    assert wide.more_to_review < narrow.more_to_review
    assert 200 < narrow.more_to_review < 300


def fill(path: Path, **words: str) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows([{**row, "decision": words.get(row["item"], "")} for row in rows])


def test_the_sheet_is_blind_and_its_decisions_come_back(tmp_path: Path) -> None:
    drawn, path = sample(cases=2, rest=2), tmp_path / "review.csv"
    write_review(drawn, path, texts={1: "=1+1 oedema"})
    written = path.read_text(encoding="utf-8-sig")
    assert "cases" not in written
    assert "rest" not in written
    assert "'=1+1 oedema" in written
    fill(path, V0001="Case", V0003="no case")
    items = {one.item for one in drawn.items}
    assert read_review(path, items) == {"V0001": Decision.CASE, "V0003": Decision.NO_CASE}


@pytest.mark.parametrize("word", ["maybe", "1", "cases"])
def test_an_unknown_decision_is_refused_with_its_row(tmp_path: Path, word: str) -> None:
    drawn, path = sample(cases=1), tmp_path / "review.csv"
    write_review(drawn, path)
    fill(path, V0001=word)
    with pytest.raises(ReviewError, match=r"row 2: the decision is none of case, no_case, unclear"):
        read_review(path, {"V0001"})


def test_an_item_of_another_sample_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    write_review(sample(cases=1), path)
    fill(path, V0001="case")
    with pytest.raises(ReviewError, match="not of this sample"):
        read_review(path, {"V0009"})


def test_a_file_that_is_no_sheet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ReviewError, match="cannot be read as CSV"):
        read_review(path, set())


def test_a_verdict_counts_where_two_disagree_and_leaves_their_agreement_as_it_was() -> None:
    drawn = sample(cases=4)
    first = decisions(drawn, Stratum.CASES, *[Decision.CASE] * 4)
    second = decisions(drawn, Stratum.CASES, Decision.CASE, *[Decision.NO_CASE] * 3)
    before = validate(drawn, [first, second])
    after = validate(
        drawn, [first, second], verdicts={"V0002": Decision.CASE, "V0003": Decision.NO_CASE}
    )
    assert (before.ppv.hits, before.ppv.of) == (1, 1)
    assert (after.ppv.hits, after.ppv.of) == (2, 3)
    assert after.agreement == before.agreement
