"""The table of ``make evaluate``: what is measured on what, with the aims and known baselines.

Aims are those that the project set itself. Baselines were measured on the same texts with
other tools, where there was one to measure; docs/reference/evaluation.md names them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evaluation import corpora
from evaluation.corpora import REAL_MODULUS, Half, halves
from evaluation.counts import Measure, Tally, score
from evaluation.evaluate import evaluate
from evaluation.scorers import count_share, score_chest, score_level, score_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from evaluation.corpora import ChestReport
    from evaluation.counts import Score
    from evaluation.evaluate import Mistake, Reader
    from evaluation.gold import GoldReport, GoldSpan
    from extractor.model import Engine

_NEGATION_BASELINE = "medspaCy 0.905, best 0.981"
_EFFUSION_BASELINE = "medspaCy 0.751, mended 0.866"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of the table."""

    measured_on: str
    measure: str
    half: Half | None
    """``None`` where the whole is for development."""
    texts: int
    figure: float | None
    """A proportion, or a number of errors where ``at_most``."""
    low: float | None = None
    high: float | None = None
    """The 95 % bootstrap interval over texts."""
    aim: float | None = None
    at_most: bool = False
    baseline: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the aim is reached; ``None`` without an aim or a figure."""
        if self.aim is None or self.figure is None:
            return None
        return self.figure <= self.aim if self.at_most else self.figure >= self.aim


@dataclass(slots=True)
class Suite:
    """All that was measured."""

    engine: Engine
    rows: list[Row] = field(default_factory=list)
    mistakes: list[tuple[str, Mistake]] = field(default_factory=list)
    """Measured on, and the error; none of a test half."""
    skipped: list[str] = field(default_factory=list)
    """What was not measured, and why."""


def run_suite(
    reader: Reader, root: Path, shared: Path, *, on_step: Callable[[str], None] = lambda _name: None
) -> Suite:
    """Measure the reader on all gold of the project, and on the shared texts where they are.

    Raises:
        GoldError: a line of the gold is wrong, or a text is another than the labelled one.

    """
    suite = Suite(reader.engine)
    gold, archive = root / "tests" / "gold", root / "examples" / "archive.csv"
    if shared.is_dir():
        on_step("assertion of given spans")
        _measure_spans(suite, reader, shared / "assertion")
        on_step("chest reports")
        chest = corpora.read_chest(shared / "reports" / "openi_dev.jsonl")
        _measure_chest(suite, reader, chest)
    on_step("our own gold")
    measure_targets(suite, reader, "own gold", halves(corpora.read_own(gold)), aim=0.95)
    measure_levels(suite, reader, "own gold", halves(corpora.read_own_levels(gold)))
    on_step("earlier gold")
    earlier = {Half.DEVELOPMENT: corpora.read_earlier(gold)}
    measure_targets(suite, reader, "earlier gold", earlier, aim=None, aim_places=None)
    sample = {Half.DEVELOPMENT: corpora.read_archive_levels(gold, archive)}
    measure_levels(suite, reader, "sample archive", sample)
    if shared.is_dir():
        on_step("real texts")
        real = halves(corpora.read_real(gold, shared / "reports"), modulus=REAL_MODULUS)
        measure_targets(suite, reader, "own labels, real text", real, aim=0.92, aim_places=None)
        written = corpora.read_reports(shared / "reports" / "itoh_dev.jsonl")
        _measure_written(suite, reader, written)
    else:
        suite.skipped.append(
            f"{shared} is not there: the assertion sets, openi_dev, itoh_dev and our labels "
            "on real text were not measured."
        )
    return suite


def measure_targets(
    suite: Suite,
    reader: Reader,
    measured_on: str,
    parts: dict[Half, list[GoldReport]],
    *,
    aim: float | None,
    aim_places: float | None = 0.95,
) -> None:
    """Add the rows of the three targets: mentions with their status, sites, side."""
    for half, lines in parts.items():
        tallies = []
        for line in lines:
            tally = Tally()
            mistakes = score_targets(line, reader.extract(line.report).mentions, tally)
            _keep(suite, measured_on, mistakes, half)
            tallies.append(tally)
        scores = score(tallies)
        for measure, figure, wanted in (
            ("mentions with status, F1", _f1(scores, "target"), aim),
            ("site right", _recall(scores, "site"), aim_places),
            ("side right", _recall(scores, "side"), aim_places),
        ):
            _add(suite, measured_on, measure, len(lines), figure=figure, half=half, aim=wanted)


def measure_levels(
    suite: Suite, reader: Reader, measured_on: str, parts: dict[Half, list[GoldReport]]
) -> None:
    """Add the rows of the levels of whole reports."""
    for half, lines in parts.items():
        tallies = []
        for line in lines:
            tally = Tally()
            mistakes = score_level(line, reader.extract(line.report).assessment.level, tally)
            _keep(suite, measured_on, mistakes, half)
            tallies.append(tally)
        scores = score(tallies)
        for measure, figure, aim in (
            ("level exactly right", _recall(scores, "level"), 0.92),
            ("probable or stated, F1", _f1(scores, "case"), 0.95),
        ):
            _add(suite, measured_on, measure, len(lines), figure=figure, half=half, aim=aim)


def _measure_spans(suite: Suite, reader: Reader, folder: Path) -> None:
    lines = corpora.read_spans(folder / "negex_dev.jsonl")
    evaluation = evaluate(lines, reader)
    _keep(suite, "negex_dev", evaluation.mistakes)
    for measure, kind, aim, baseline in (
        ("negation, F1", "negated", 0.97, _NEGATION_BASELINE),
        ("historical, F1", "historical", 0.75, "best 0.665"),
    ):
        figure = _f1(evaluation.scores, kind)
        _add(suite, "negex_dev", measure, len(lines), figure=figure, aim=aim, baseline=baseline)
    for name in ("issue_gold_cases", "peer_unit_sentences"):
        lines = corpora.read_spans(folder / f"{name}.jsonl")
        evaluation = evaluate(lines, reader)
        _keep(suite, name, evaluation.mistakes)
        figure = _right(lines, {one.id for one in evaluation.mistakes})
        _add(suite, name, "all claims right", len(lines), figure=figure, aim=0.95)


def _measure_chest(suite: Suite, reader: Reader, lines: list[ChestReport]) -> None:
    tallies = []
    for line in lines:
        tally = Tally()
        mistakes = score_chest(line, reader.extract(line.report).mentions, tally)
        _keep(suite, "openi_dev", mistakes)
        tallies.append(tally)
    scores = score(tallies)
    for measure, kind, aim, baseline in (
        ("effusion stated or likely, F1", "effusion", 0.93, ""),
        ("effusion or possible, F1", "effusion or possible", None, _EFFUSION_BASELINE),
        ("osteopenia stated or likely, F1", "osteopenia", 0.97, ""),
        ("osteopenia or possible, F1", "osteopenia or possible", None, "0.969"),
    ):
        figure = _f1(scores, kind)
        _add(suite, "openi_dev", measure, len(lines), figure=figure, aim=aim, baseline=baseline)
    false = _overall(scores, "not of a chest")
    number = false.false_positives if false else 0
    measure = "marrow oedema or joint effusion, false"
    suite.rows.append(Row("openi_dev", measure, None, len(lines), number, aim=3, at_most=True))


def _measure_written(suite: Suite, reader: Reader, lines: list[GoldReport]) -> None:
    """Add the rows of reports in which all must be right: every mention of any finding, the level."""
    evaluation = evaluate(lines, reader)
    _keep(suite, "itoh_dev", evaluation.mistakes)
    wrong = {one.id for one in evaluation.mistakes}
    wrong_level = {one.id for one in evaluation.mistakes if one.kind == "level"}
    for measure, ids in (("all mentions and level right", wrong), ("level right", wrong_level)):
        _add(suite, "itoh_dev", measure, len(lines), figure=_right(lines, ids), aim=1.0)


def _add(
    suite: Suite,
    measured_on: str,
    measure: str,
    texts: int,
    *,
    figure: Measure,
    aim: float | None,
    half: Half | None = None,
    baseline: str = "",
) -> None:
    row = Row(
        measured_on, measure, half, texts, figure.value, figure.low, figure.high, aim,
        baseline=baseline,
    )  # fmt: skip
    suite.rows.append(row)


def _keep(
    suite: Suite, measured_on: str, mistakes: Iterable[Mistake], half: Half | None = None
) -> None:
    """Keep errors to look into; those of a test half are not even kept."""
    if half is not Half.TEST:
        suite.mistakes += [(measured_on, one) for one in mistakes]


def _right(lines: Iterable[GoldReport | GoldSpan], wrong: set[str]) -> Measure:
    """Return the share of texts without an error."""
    tallies = []
    for line in lines:
        tally = Tally()
        count_share(tally, "text", right=line.id not in wrong)
        tallies.append(tally)
    return _recall(score(tallies), "text")


def _f1(scores: Iterable[Score], kind: str) -> Measure:
    found = _overall(scores, kind)
    return found.f1 if found else Measure(None, None, None)


def _recall(scores: Iterable[Score], kind: str) -> Measure:
    found = _overall(scores, kind)
    return found.recall if found else Measure(None, None, None)


def _overall(scores: Iterable[Score], kind: str) -> Score | None:
    """Return the score of all classes of a kind, which stands first."""
    return next((one for one in scores if one.kind == kind), None)
