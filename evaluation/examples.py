"""Run the examples that stand beside each rule of the pattern set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extractor.model import Report

if TYPE_CHECKING:
    from extractor import Extractor
    from extractor.knowledge.schema import CueRule, Rule
    from extractor.model import Mention

_ATTRIBUTES = ("status", "certainty", "laterality", "change", "sites")


@dataclass(frozen=True, slots=True)
class ExampleFault:
    """An example that is read otherwise than its rule says."""

    rule: str
    text: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class ExampleCheck:
    """What came of all examples."""

    examples: int
    faults: tuple[ExampleFault, ...]


def check_examples(extractor: Extractor) -> ExampleCheck:
    """Read every example of every rule and cue.

    The example of a rule says what must be found of the rule's finding, that of a cue what must be
    found at all.
    """
    faults: list[ExampleFault] = []
    number = 0
    patterns = extractor.patterns
    rules: list[Rule | CueRule] = [*patterns.rules, *patterns.cues]
    for rule in rules:
        finding = getattr(rule, "finding", None)
        for example in rule.examples:
            number += 1
            result = extractor.extract(Report(example.text))
            found = [one for one in result.mentions if finding in {None, one.finding}]
            fault = _compare(example, found)
            if fault is not None:
                faults.append(ExampleFault(rule.id, example.text, *fault))
    return ExampleCheck(number, tuple(faults))


def _compare(example: Any, found: list[Mention]) -> tuple[str, str] | None:
    """Return what was expected and what was read, where they differ."""
    quotes = [mention.quote for mention in found]
    if quotes != list(example.found):
        return _quoted(example.found), _quoted(quotes)
    for name in _ATTRIBUTES:
        wanted = getattr(example, name)
        for mention in found:
            value = getattr(mention, name)
            value = sorted(value) if isinstance(value, tuple) else value
            if wanted is not None and value != (sorted(wanted) if name == "sites" else wanted):
                return f"{name} {_shown(wanted)}", f"{name} {_shown(value)}"
    return None


def _quoted(quotes: list[str]) -> str:
    return ", ".join(f"“{quote}”" for quote in quotes) or "nothing"


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    return ", ".join(value) if isinstance(value, list) else str(value)
