"""How lint remarks and differences between pattern sets look in the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.result_view import printable
from evaluation.differences import Comparison, MentionDifference, ReportDifference
from extractor.knowledge.lint import Remark, Severity

_REMARK_STYLES = {Severity.ERROR: "bold red", Severity.NOTE: "yellow"}
_NOTHING = "–"  # noqa: RUF001 - a dash, where there is nothing on one side


def show_remarks(console: Console, remarks: Iterable[Remark]) -> None:
    """Print a remark a line, as compilers do: file, line, severity, text."""
    for one in remarks:
        line = Text(f"{one.place}: ").append(one.severity, style=_REMARK_STYLES[one.severity])
        console.print(line.append(f": {one.text}"), soft_wrap=True)


def differences_table() -> Table:
    """Return the empty table of what changes."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, ratio in (("report", 2), ("what", 4), ("before", 3), ("after", 3)):
        table.add_column(name, ratio=ratio, overflow="fold")
    return table


def add_report(table: Table, report: ReportDifference) -> None:
    """Add the rows of one report: its level and facts first, then its mentions."""
    name = printable(report.report_id or f"{report.path}:{report.line}")
    rows = [
        *((Text(what), report.before[what], report.after[what]) for what in report.before),
        *((_named(one), _side(one.before, one), _side(one.after, one)) for one in report.mentions),
    ]
    for position, (what, before, after) in enumerate(rows):
        last = position == len(rows) - 1
        shown = Text(_value(before)), Text(_value(after))
        table.add_row(Text("" if position else name, style="bold"), what, *shown, end_section=last)


def show_counts(console: Console, comparison: Comparison) -> None:
    """Print how many reports were compared and how many change."""
    console.print(
        f"{comparison.reports:,} reports read, {comparison.changed:,} change, "
        f"{comparison.unread:,} could not be read"
    )
    for (before, after), number in sorted(comparison.levels.items()):
        console.print(f"  {before} to {after}: {number:,}")
    old, new = comparison.old.engine, comparison.new.engine
    for label, engine in (("before", old), ("after ", new)):
        line = f"{label} {engine.patterns_version} {engine.patterns_digest}"
        console.print(Text(line, style="dim"), soft_wrap=True)


def _named(one: MentionDifference) -> Text:
    quote = printable(" ".join(one.quote.split()))
    return Text(f"{one.finding} “{quote}” {one.kind}")


def _side(values: dict[str, Any] | None, one: MentionDifference) -> str | None:
    """Return what one side says of a mention: all that differs, or of one that came or went the main."""
    if values is None:
        return None
    if one.kind == "changed":
        return ", ".join(f"{name} {_value(value)}" for name, value in values.items())
    said = [values["status"], values["certainty"], *values["sites"], values["laterality"]]
    return ", ".join(str(value) for value in said if value)


def _value(value: Any) -> str:
    if value is None or value in {"", ()}:
        return _NOTHING
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return printable(" ".join(text.split()))
