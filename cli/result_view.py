"""A result in the terminal: the report with its mentions marked, the assessment, the evidence.

Every status has a sign beside its colour, so that the same page reads without colour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from extractor.definition import Definition
from extractor.model import Experiencer, Laterality, Level, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from extractor.model import Evidence, Mention, Result, SideAssessment

SIGNS = {
    Status.AFFIRMED: "+",
    Status.NEGATED: "\u2212",
    Status.UNCERTAIN: "?",
    Status.HISTORICAL: "\u2039",
    Status.HYPOTHETICAL: "~",
}
STYLES = {
    Status.AFFIRMED: "bold green",
    Status.NEGATED: "red",
    Status.UNCERTAIN: "bold yellow",
    Status.HISTORICAL: "blue",
    Status.HYPOTHETICAL: "magenta",
}
LEVEL_STYLES = {
    Level.STATED: "bold white on dark_green",
    Level.PROBABLE: "bold white on green4",
    Level.POSSIBLE: "bold black on yellow3",
    Level.UNLIKELY: "bold white on grey37",
    Level.NONE: "bold white on grey30",
    Level.NOT_ASSESSABLE: "bold white on grey23",
}
_KINDS = (
    ("core", "core"),
    ("minor", "supporting"),
    ("hard", "against"),
    ("soft", "against, weakly"),
)


def show_result(
    console: Console, text: str, result: Result, definition: Definition | None = None
) -> None:
    """Print a result; ``definition`` says what its atoms mean and what names the disease."""
    console.print(Padding(marked_text(text, result.mentions), (1, 2)))
    if result.mentions:
        console.print(_mentions_table(result.mentions))
    else:
        console.print(Padding("No finding of the pattern set is mentioned.", (0, 2)))
    console.print(_assessment(result, definition or Definition()))
    engine = result.engine
    console.print(
        Text(
            f"engine {engine.version}, patterns {engine.patterns_version} · "
            "search and audit, not a diagnosis",
            style="dim",
        )
    )


def marked_text(text: str, mentions: tuple[Mention, ...]) -> Text:
    """Return the report with each mention in ``[brackets]`` after the sign of its status.

    Of mentions that overlap the longer is marked.
    """
    shown = Text()
    done = 0
    for mention in sorted(mentions, key=lambda one: (one.start, -one.end)):
        if mention.start < done:
            continue
        shown.append(printable(text[done : mention.start]))
        style = STYLES[mention.status]
        quote = printable(text[mention.start : mention.end])
        shown.append(f"[{SIGNS[mention.status]}{quote}]", style=style)
        done = mention.end
    shown.append(printable(text[done:].rstrip()))
    return shown


def printable(text: str) -> str:
    """Return text that cannot move the cursor or turn the reading direction of the terminal."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    return "".join(
        character if character == "\n" or character.isprintable() else "\ufffd"
        for character in text
    )


def _mentions_table(mentions: tuple[Mention, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=True, header_style="dim")
    table.add_column("#", justify="right", style="dim")
    table.add_column("finding", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("where")
    table.add_column("more")
    table.add_column("section", style="dim")
    for mention in mentions:
        style = STYLES[mention.status]
        table.add_row(
            str(mention.id),
            mention.finding.replace("_", " "),
            Text(f"{SIGNS[mention.status]} {_status(mention)}", style=style),
            _where(mention),
            _more(mention),
            str(mention.section),
        )
    return table


def _status(mention: Mention) -> str:
    return f"{mention.status} ({mention.certainty})" if mention.certainty else str(mention.status)


def _where(mention: Mention) -> str:
    side = "" if mention.laterality is Laterality.UNSPECIFIED else f"{mention.laterality} "
    return side + ", ".join(site.replace("_", " ") for site in mention.sites)


def _more(mention: Mention) -> str:
    other = "of a relative" if mention.experiencer is Experiencer.OTHER else None
    facts = (mention.severity, mention.extent, mention.change, mention.method, other)
    return ", ".join(fact.replace("_", " ") for fact in facts if fact)


def _assessment(result: Result, definition: Definition) -> Panel:
    """Return the level, then each side with its evidence in quotes and what is missing."""
    assessment = result.assessment
    head = Text()
    head.append(
        f" {assessment.level.replace('_', ' ').upper()} ", style=LEVEL_STYLES[assessment.level]
    )
    facts: list[str | None] = [
        None if assessment.side is None else f"side: {assessment.side}",
        f"rule {assessment.rule}",
        assessment.subtype and f"subtype: {assessment.subtype.replace('_', ' ')}",
        assessment.activity and str(assessment.activity),
        *assessment.flags,
    ]
    head.append("  " + " · ".join(fact for fact in facts if fact))
    parts: list[Text | Table] = [head, Text(_people(result), style="dim")]
    by_id = {mention.id: mention for mention in result.mentions}
    for side, facts_of_side in assessment.sides.items():
        parts.append(_side(side, facts_of_side, mentions=by_id, definition=definition))
    return Panel(
        Group(*parts),
        title=assessment.definition.upper(),
        title_align="left",
        box=box.ROUNDED,
        padding=(0, 1),
    )


def _people(result: Result) -> str:
    patient, study = result.patient, result.study
    scope = "in scope" if study.in_scope else "not in scope: the examined region is not shown"
    facts = (
        study.modality, scope,
        "densitometry" if study.is_densitometry else None,
        "non-diagnostic" if study.is_nondiagnostic else None,
        None if patient.age_years is None else f"{patient.age_years} years",
        patient.sex, patient.pregnancy,
        "no injury before" if patient.onset_atraumatic else None,
    )  # fmt: skip
    return " · ".join(fact for fact in facts if fact)


def _side(
    side: str, facts: SideAssessment, *, mentions: dict[int, Mention], definition: Definition
) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    title = Text(f"\n{side}", style="bold")
    title.append(f": {facts.level.replace('_', ' ')}, rule {facts.rule}", style="not bold")
    table.add_row("", title)
    named = [mention for mention in mentions.values() if definition.is_named_by(mention, side)]
    for number, mention in enumerate(named):
        table.add_row("named" if number == 0 else "", _quote(mention))
    for kind, label in _KINDS:
        items: tuple[Evidence, ...] = getattr(facts, kind)
        for number, item in enumerate(items):
            table.add_row(
                label if number == 0 else "", _evidence(item, mentions, definition.titles)
            )
    if facts.missing:
        table.add_row(
            "missing",
            Text(
                "; ".join(definition.titles.get(atom, atom) for atom in facts.missing),
                style="yellow",
            ),
        )
    return table


def _evidence(item: Evidence, mentions: dict[int, Mention], titles: Mapping[str, str]) -> Text:
    text = Text(titles.get(item.atom, item.atom), style="bold")
    text.append(f" ({item.atom}) ", style="not bold dim")
    quotes = [mentions[number] for number in item.mentions if number in mentions]
    for place, mention in enumerate(quotes):
        text.append(" / " if place else "", style="not bold dim")
        text.append(_quote(mention))
    return text


def _quote(mention: Mention) -> Text:
    style = STYLES[mention.status].removeprefix("bold ")
    text = Text(f"“{printable(' '.join(mention.quote.split()))}”", style=f"not bold {style}")
    return text.append(f" #{mention.id}", style="not bold dim")
