"""Runs the examples that stand beside the patterns: what must be found, and what must not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor.model import Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extractor.extractor import Extractor
    from extractor.knowledge.schema import Example
    from extractor.model import Mention


@dataclass(frozen=True, slots=True)
class ExampleFailure:
    """An example of the pattern files that does not hold."""

    rule: str
    text: str
    """The example's own text, which is no patient's."""
    problem: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How many examples were run, and those that failed."""

    examples: int
    failures: tuple[ExampleFailure, ...]

    @property
    def ok(self) -> bool:
        """Whether every example holds."""
        return not self.failures


def check_patterns(extractor: Extractor) -> CheckResult:
    """Run every example of the extractor's pattern set."""
    count = 0
    failures: list[ExampleFailure] = []
    for rule, finding, example in _examples(extractor):
        count += 1
        mentions = [
            one
            for one in extractor.extract(Report(example.text)).mentions
            if finding is None or one.finding == finding
        ]
        failures.extend(
            ExampleFailure(rule, example.text, problem) for problem in _problems(example, mentions)
        )
    return CheckResult(count, tuple(failures))


def _examples(extractor: Extractor) -> Iterator[tuple[str, str | None, Example]]:
    """Yield each example with its rule and the finding it is about; a cue's is about any."""
    for rule in extractor.patterns.rules:
        for example in rule.examples:
            yield rule.id, rule.finding, example
    for cue in extractor.patterns.cues:
        for example in cue.examples:
            yield cue.id, None, example


def _problems(example: Example, mentions: Sequence[Mention]) -> Iterator[str]:
    quotes = [one.quote for one in mentions]
    if quotes != example.found:
        yield f"found {quotes}, expected {example.found}"
        return
    for one in mentions[:1]:
        wanted = {
            "status": example.status,
            "sites": None if example.sites is None else tuple(example.sites),
            "laterality": example.laterality,
            "certainty": example.certainty,
            "change": example.change,
        }
        for name, value in wanted.items():
            if value is not None and getattr(one, name) != value:
                yield f"{name} is {getattr(one, name)}, expected {value}"
