"""Read a gold file with an extractor and score what it says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from evaluation.counts import Score, Tally, score
from evaluation.gold import GoldReport, GoldSpan
from evaluation.match import match
from extractor.model import Experiencer, Level, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from evaluation.gold import ExpectedSpan, GoldMention
    from extractor.model import Engine, Mention, Report, Result, SpanAssertion

_CONTEXT_CHARS = 110


class Reader(Protocol):
    """What is evaluated: the extractor."""

    @property
    def engine(self) -> Engine:
        """Which code and patterns."""

    def extract(self, report: Report) -> Result:
        """Read a whole report."""

    def assert_span(self, report: Report, start: int, end: int) -> SpanAssertion:
        """Say what a report asserts of given words."""


class Line(Protocol):
    """What an error is of: a text with a name."""

    @property
    def id(self) -> str:
        """The name."""

    @property
    def text(self) -> str:
        """The text."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One error, with the words around it."""

    id: str
    kind: str
    expected: str
    predicted: str
    before: str
    quote: str
    after: str

    @classmethod
    def of(
        cls, line: Line, kind: str, expected: str, predicted: str, *, at: tuple[int, int]
    ) -> Mistake:
        """Return an error with the words around its place."""
        start, end = at
        before, after = line.text[max(0, start - _CONTEXT_CHARS) : start], line.text[end:]
        return cls(
            id=line.id,
            kind=kind,
            expected=str(expected),
            predicted=str(predicted),
            before=" ".join(before.split()),
            quote=" ".join(line.text[start:end].split()),
            after=" ".join(after[:_CONTEXT_CHARS].split()),
        )


@dataclass(slots=True)
class Evaluation:
    """What came out."""

    engine: Engine
    reports: int = 0
    spans: int = 0
    scores: list[Score] = field(default_factory=list)
    levels: Counter[tuple[Level, Level]] = field(default_factory=Counter)
    """Expected level and predicted level, and how often."""
    mistakes: list[Mistake] = field(default_factory=list)
    predictions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def level_accuracy(self) -> float | None:
        """The share of reports with exactly the expected level."""
        total = sum(self.levels.values())
        right = sum(number for (first, second), number in self.levels.items() if first is second)
        return right / total if total else None


def evaluate(
    gold: Iterable[GoldReport | GoldSpan],
    reader: Reader,
    *,
    on_line: Callable[[int], None] = lambda _done: None,
) -> Evaluation:
    """Read every line of a gold file and score it."""
    evaluation = Evaluation(engine=reader.engine)
    tallies = []
    for done, line in enumerate(gold, start=1):
        tally = Tally()
        if isinstance(line, GoldSpan):
            evaluation.spans += 1
            _score_span(line, reader, tally, evaluation)
        else:
            evaluation.reports += 1
            _score_report(line, reader.extract(line.report), tally, evaluation)
        tallies.append(tally)
        on_line(done)
    evaluation.scores = score(tallies)
    return evaluation


def _score_report(line: GoldReport, result: Result, tally: Tally, evaluation: Evaluation) -> None:
    if line.expected.mentions is not None:
        evaluation.mistakes += _score_mentions(line, result.mentions, tally)
    expected, predicted = line.expected.level, result.assessment.level
    if expected is not None:
        evaluation.levels[expected, predicted] += 1
        if expected is not predicted:
            mistake = Mistake.of(line, "level", expected, predicted, at=(0, 0))
            evaluation.mistakes.append(mistake)
    found = result.to_dict()
    evaluation.predictions.append(
        {"id": line.id, "level": predicted, "mentions": found["mentions"]}
    )


def _score_mentions(line: GoldReport, found: tuple[Mention, ...], tally: Tally) -> list[Mistake]:
    """Score the mentions of a report against all that there are; return the errors."""
    expected = line.expected.mentions or ()
    pairs = match(expected, found)
    mistakes = [mistake for pair in pairs for mistake in _score_pair(line, *pair, tally)]
    paired = {id(one) for pair in pairs for one in pair}
    for gold in expected:
        if id(gold) not in paired:
            tally.miss("finding", gold.finding)
            mistakes.append(
                Mistake.of(line, "missed", gold.finding, "nothing", at=(gold.start, gold.end))
            )
    for mention in found:
        if id(mention) not in paired:
            tally.false_alarm("finding", mention.finding)
            at = (mention.start, mention.end)
            mistakes.append(Mistake.of(line, "false alarm", "nothing", mention.finding, at=at))
    return mistakes


def _score_pair(line: GoldReport, gold: GoldMention, found: Mention, tally: Tally) -> list[Mistake]:
    """Score the attributes of a mention that was found."""
    tally.hit("finding", gold.finding)
    mistakes = []
    for kind, right, read in _attributes(gold, found):
        for name in right | read:
            if name in right and name in read:
                tally.hit(kind, name)
            elif name in right:
                tally.miss(kind, name)
            else:
                tally.false_alarm(kind, name)
        if right != read:
            texts = ", ".join(sorted(right)) or "none", ", ".join(sorted(read)) or "none"
            at = (gold.start, gold.end)
            mistakes.append(Mistake.of(line, f"{kind} of {gold.finding}", *texts, at=at))
    return mistakes


def _attributes(gold: GoldMention, found: Mention) -> list[tuple[str, set[str], set[str]]]:
    """Return what is scored of a pair: the attributes that the gold line names."""
    attributes: list[tuple[str, set[str], set[str]]] = []
    if gold.status is not None:
        attributes.append(("status", {str(gold.status)}, {str(found.status)}))
    if gold.sites is not None:
        attributes.append(("site", set(gold.sites), set(found.sites)))
    if gold.laterality is not None:
        attributes.append(("laterality", {str(gold.laterality)}, {str(found.laterality)}))
    return attributes


def _score_span(line: GoldSpan, reader: Reader, tally: Tally, evaluation: Evaluation) -> None:
    start, end = line.target.start, line.target.end
    found = reader.assert_span(line.report, start, end)
    for kind, right, read in _span_claims(line.expected, found):
        if isinstance(right, bool):
            tally.compare_flag(kind, expected=right, predicted=bool(read))
        else:
            tally.compare(kind, right, str(read))
        if right != read:
            texts = (str(right).lower(), f"{str(read).lower()} ({_named(found)})")
            evaluation.mistakes.append(Mistake.of(line, kind, *texts, at=(start, end)))
    evaluation.predictions.append(
        {
            "id": line.id,
            "status": found.status,
            "certainty": found.certainty,
            "experiencer": found.experiencer,
        }
    )


def _span_claims(
    expected: ExpectedSpan, found: SpanAssertion
) -> list[tuple[str, bool | str, bool | str]]:
    """Return each claim of the gold line and what was read, each scored by itself."""
    claims: list[tuple[str, bool | str, bool | str]] = []
    if expected.status is not None:
        claims.append(("status", str(expected.status), str(found.status)))
    for status in (Status.NEGATED, Status.HISTORICAL, Status.UNCERTAIN, Status.HYPOTHETICAL):
        claim: bool | None = getattr(expected, status)
        if claim is not None:
            is_so = found.is_past if status is Status.HISTORICAL else found.status is status
            claims.append((str(status), claim, is_so))
    if expected.experiencer is not None:
        other = Experiencer.OTHER
        claims.append(
            ("experiencer other", expected.experiencer is other, found.experiencer is other)
        )
    return claims


def _named(found: SpanAssertion) -> str:
    return f"{found.status} {found.certainty}" if found.certainty else str(found.status)
