"""The table over tiny gold that is written here, in the shape of the real one."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from evaluation import GoldError, corpora
from evaluation import __main__ as command
from evaluation.corpora import Half, half_of
from evaluation.suite import Row, Suite, run_suite
from extractor import Extractor
from extractor.model import Experiencer, Level, SpanAssertion, Status
from tests.results import ENGINE, make_mention, make_result

if TYPE_CHECKING:
    from pathlib import Path

    from extractor.model import Report, Result

TEXT = "effusion, seen well"
MENTIONS = {
    "mentions": [{"finding": "effusion", "start": 0, "end": 8, "status": "affirmed",
                  "sites": ["hip_joint"], "laterality": "left"}]
}  # fmt: skip


class Reader:
    """Says the same of every text."""

    engine = ENGINE

    def extract(self, report: Report) -> Result:
        return make_result(make_mention(), level=Level.PROBABLE, report_id=report.report_id)

    def assert_span(self, report: Report, start: int, end: int) -> SpanAssertion:
        del report, start, end
        return SpanAssertion(Status.NEGATED, None, Experiencer.PATIENT, ())


def write(path: Path, *rows: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def span(name: str, **expected: Any) -> dict[str, Any]:
    return {"id": name, "text": TEXT, "target": {"start": 0, "end": 8}, "expected": expected}


def name_of(half: Half, *, modulus: int = 2) -> str:
    """Return a name that falls into a half."""
    return next(f"N{i}" for i in range(99) if half_of(f"N{i}", modulus=modulus) is half)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    gold = tmp_path / "project" / "tests" / "gold"
    names = {half: name_of(half) for half in Half}
    for file, half in (("snippets", Half.DEVELOPMENT), ("reports", Half.TEST)):
        of_snippet = half is Half.DEVELOPMENT
        expected = MENTIONS if of_snippet else {"mentions": [], "level": "probable"}
        write(gold / f"{file}.jsonl", {"id": names[half], "text": TEXT, "expected": expected})
        write(gold / f"development_{file}.jsonl", {"id": "D", "text": TEXT, "expected": MENTIONS})
    levels = (names[Half.DEVELOPMENT], "possible"), (names[Half.TEST], "probable")
    rows = [{"report_id": name, "level": level} for name, level in levels]
    write(gold / "archive_levels.jsonl", *rows)
    digest = sha256(TEXT.encode()).hexdigest()
    label = {"id": "R1", "file": "real.jsonl", "sha256": digest, "expected": MENTIONS}
    write(gold / "real_standoff.jsonl", label)
    archive = tmp_path / "project" / "examples" / "archive.csv"
    archive.parent.mkdir()
    archive.write_text("report_id,text\n" + "".join(f'{name},"{TEXT}"\n' for name, _ in levels))
    return tmp_path / "project"


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    right, wrong = span("a", negated=True, historical=False), span("b", negated=False)
    write(data / "assertion" / "negex_dev.jsonl", right, wrong)
    write(data / "assertion" / "issue_gold_cases.jsonl", right, wrong, span("c", severity="large"))
    write(data / "assertion" / "peer_unit_sentences.jsonl", right)
    chest = {"effusion": True, "osteopenia_mesh": False}
    write(data / "reports" / "openi_dev.jsonl", {"id": "x", "text": TEXT, "expected": chest})
    write(data / "reports" / "real.jsonl", {"id": "R1", "text": TEXT})
    whole = {**MENTIONS, "level": "probable"}
    write(data / "reports" / "itoh_dev.jsonl", {"id": "i", "text": TEXT, "expected": whole})
    return data


def row(suite: Suite, *, measured_on: str, measure: str, half: Half | None = None) -> Row:
    key = (measured_on, measure, half)
    return next(one for one in suite.rows if (one.measured_on, one.measure, one.half) == key)


def test_every_row_has_its_figure_its_number_of_texts_and_its_aim(root: Path, shared: Path) -> None:
    suite = run_suite(Reader(), root, shared)
    assert len(suite.rows) == 32
    negation = row(suite, measured_on="negex_dev", measure="negation, F1")
    assert (negation.texts, negation.figure, negation.is_met) == (
        2,
        0.6667,
        False,
    )
    assert "0.905" in negation.baseline
    claims = row(suite, measured_on="issue_gold_cases", measure="all claims right")
    assert (claims.texts, claims.figure) == (2, 0.5)
    false = row(suite, measured_on="openi_dev", measure="marrow oedema or joint effusion, false")
    assert (false.figure, false.is_met) == (1, True)
    for name, half, texts, figure in (
        ("own gold", Half.TEST, 1, 1.0),
        ("sample archive", Half.DEVELOPMENT, 2, 0.5),
    ):
        level = row(suite, measured_on=name, measure="level exactly right", half=half)
        assert (level.texts, level.figure, level.aim) == (texts, figure, 0.92)
    written = row(suite, measured_on="itoh_dev", measure="all mentions and level right")
    assert written.is_met


def test_a_half_without_a_mention_has_no_figure_and_misses_no_aim(root: Path, shared: Path) -> None:
    suite = run_suite(Reader(), root, shared)
    halves = {half_of("R1", modulus=4), *Half} - {half_of("R1", modulus=4)}
    empty = row(
        suite, measured_on="own labels, real text", measure="mentions with status, F1", half=halves.pop()
    )  # fmt: skip
    assert (empty.texts, empty.figure, empty.is_met) == (0, None, None)


def test_errors_of_a_test_half_are_not_kept(root: Path, shared: Path) -> None:
    suite = run_suite(Reader(), root, shared)
    test = row(
        suite, measured_on="own gold", measure="mentions with status, F1", half=Half.TEST
    )  # fmt: skip
    assert test.figure == 0
    assert {name for name, _ in suite.mistakes} == {
        "negex_dev", "issue_gold_cases", "openi_dev", "sample archive",
    }  # fmt: skip
    assert name_of(Half.TEST) not in {one.id for _, one in suite.mistakes}


def test_without_the_shared_texts_our_own_gold_is_measured_and_the_rest_is_named(
    root: Path, tmp_path: Path
) -> None:
    suite = run_suite(Reader(), root, tmp_path / "absent")
    assert {one.measured_on for one in suite.rows} == {"own gold", "earlier gold", "sample archive"}
    assert "absent" in suite.skipped[0]


def test_another_text_than_the_labelled_one_is_refused(root: Path, shared: Path) -> None:
    write(shared / "reports" / "real.jsonl", {"id": "R1", "text": TEXT + " Zanzibar"})
    with pytest.raises(GoldError, match=r"real_standoff\.jsonl:1") as raised:
        run_suite(Reader(), root, shared)
    assert "Zanzibar" not in str(raised.value)


def test_a_level_of_a_report_that_is_not_in_the_archive_is_refused(root: Path) -> None:
    gold = root / "tests" / "gold"
    write(gold / "archive_levels.jsonl", {"report_id": "nobody", "level": "none"})
    with pytest.raises(GoldError, match="no such report"):
        corpora.read_archive_levels(gold, root / "examples" / "archive.csv")


def test_the_halves_of_real_texts_are_cut_by_another_bit_than_their_choice() -> None:
    chosen = [f"N{i}" for i in range(400) if half_of(f"N{i}") is Half.TEST]
    halves = {half: [one for one in chosen if half_of(one, modulus=4) is half] for half in Half}
    assert all(len(ones) > len(chosen) / 3 for ones in halves.values())


@pytest.fixture
def in_project(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setattr(command, "ROOT", root)
    monkeypatch.setattr(Extractor, "load", lambda _patterns: Reader())


@pytest.mark.usefixtures("in_project")
def test_the_command_prints_the_table_and_writes_only_what_is_asked_for(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert command.main(["--shared", str(shared)]) == 0
    assert sorted(tmp_path.rglob("*")) == before
    printed = capsys.readouterr().out
    assert "negation, F1" in printed
    assert "medspaCy 0.905, best 0.981" in printed
    assert "seen well" not in printed
    file = tmp_path / "figures.json"
    assert command.main(["--shared", str(shared), "--json", str(file), "--errors"]) == 0
    assert "seen well" in capsys.readouterr().out
    figures = json.loads(file.read_text())
    assert figures["rows"][0] == {
        "measured_on": "negex_dev", "measure": "negation, F1", "half": None, "texts": 2,
        "figure": 0.6667, "low": 0.0, "high": 1.0, "aim": 0.97, "at_most": False,
        "baseline": "medspaCy 0.905, best 0.981", "is_met": False,
    }  # fmt: skip
    assert TEXT not in file.read_text()


@pytest.mark.usefixtures("in_project")
def test_what_is_missing_is_said_in_one_line(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "tests" / "gold" / "snippets.jsonl").unlink()
    assert command.main(["--shared", str(tmp_path / "absent")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "snippets.jsonl" in " ".join(said.err.split()).replace(" ", "")
    write(root / "tests" / "gold" / "snippets.jsonl", {"id": "1"})
    assert command.main(["--shared", str(tmp_path / "absent")]) == 2
    assert "Traceback" not in capsys.readouterr().err
