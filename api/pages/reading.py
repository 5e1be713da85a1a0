"""One report as it was read, made ready for its page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from api.pages.marked_text import marked_text
from api.problems import Problem
from extractor.definition import Definition
from extractor.model import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from api.service import Service
    from extractor.model import Evidence, Mention, SideAssessment

_RESULT = TypeAdapter(Result)
_KINDS = (
    ("core", "Core"),
    ("minor", "Supporting"),
    ("hard", "Against"),
    ("soft", "Against, weakly"),
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that speaks for or against, with the mentions that say it."""

    title: str
    atom: str | None
    mentions: tuple[Mention, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """The case definition on one side, in words."""

    name: str
    assessment: SideAssessment
    kinds: tuple[tuple[str, tuple[Fact, ...]], ...]
    missing: tuple[str, ...]
    """What would lift it to the next level."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A report's result, and its text where that may be shown."""

    result: Result
    sides: tuple[Side, ...]
    text: Markup | None

    @property
    def shows_text(self) -> bool:
        """Whether words of the report may stand on the page."""
        return self.text is not None


def make_reading(
    result: Result | Mapping[str, Any], text: str | None, definition: Definition
) -> Reading:
    """Return what the page shows; without ``text`` no word of the report is in it."""
    known = result if isinstance(result, Result) else _RESULT.validate_python(result)
    version = known.engine.patterns_version
    marked = None if text is None else marked_text(text, known.mentions, patterns_version=version)
    sides = known.assessment.sides.items()
    return Reading(
        result=known,
        sides=tuple(_side(name, one, known, definition) for name, one in sides),
        text=marked,
    )


def definition_of(service: Service) -> Definition:
    """Return what the atoms mean; while the patterns are being loaded, they go by their names."""
    try:
        return Definition.of(service.extraction.extractor)
    except Problem:
        return Definition()


def _side(name: str, side: SideAssessment, result: Result, definition: Definition) -> Side:
    by_id = {mention.id: mention for mention in result.mentions}
    named = tuple(one for one in result.mentions if definition.is_named_by(one, name))
    kinds: list[tuple[str, tuple[Fact, ...]]] = []
    if named:
        kinds.append(("Named", (Fact("the disease by its name", None, named),)))
    for kind, label in _KINDS:
        facts = tuple(_fact(item, by_id, definition) for item in getattr(side, kind))
        if facts:
            kinds.append((label, facts))
    missing = tuple(definition.titles.get(atom, atom) for atom in side.missing)
    return Side(name, side, tuple(kinds), missing)


def _fact(item: Evidence, by_id: Mapping[int, Mention], definition: Definition) -> Fact:
    mentions = tuple(by_id[number] for number in item.mentions if number in by_id)
    return Fact(definition.titles.get(item.atom, item.atom), item.atom, mentions)
