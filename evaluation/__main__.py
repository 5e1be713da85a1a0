"""``python -m evaluation``: every figure that the project holds itself to, in one table.

Writes nothing unless asked to. Needs the project's folder (its gold is not installed).
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evaluation.errors import EvaluationError
from evaluation.suite import run_suite
from extractor import Extractor
from extractor.errors import ExtractorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluation.suite import Row, Suite

ROOT = Path(__file__).resolve().parents[1]
TABLE_WIDTH = 156
"""Columns that the table takes; on a narrower terminal its lines wrap, but nothing is cut off."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return 0, or 2 where something is missing or wrong in the gold."""
    asked = _parser().parse_args(arguments)
    messages = Console(stderr=True, highlight=False)
    try:
        with messages.status("starting") as status:
            reader = Extractor.load(asked.patterns)
            suite = run_suite(reader, ROOT, asked.shared, on_step=status.update)
        if asked.json is not None:
            asked.json.write_text(json.dumps(_values(suite), indent=2) + "\n", encoding="utf-8")
    except (EvaluationError, ExtractorError) as error:
        messages.print(f"evaluation: {error}", markup=False)
        return 2
    except OSError as error:
        messages.print(f"evaluation: {error.filename}: {error.strerror}.", markup=False)
        return 2
    _show(suite, with_errors=asked.errors)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evaluation", description=main.__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures, too")
    parser.add_argument(
        "--errors",
        action="store_true",
        help="print the errors, except those of the test halves, which nobody should look into",
    )
    parser.add_argument(
        "--patterns", type=Path, metavar="FOLDER", help="another pattern set than the shipped one"
    )
    parser.add_argument(
        "--shared",
        type=Path,
        metavar="FOLDER",
        default=ROOT.parent / "shared" / "data",
        help="where the texts are that others wrote (default: ../shared/data)",
    )
    return parser


def _show(suite: Suite, *, with_errors: bool) -> None:
    console = Console(highlight=False)
    console.width = max(console.width, TABLE_WIDTH)
    engine = suite.engine
    console.print(
        f"Marrow {engine.version}, patterns {engine.patterns_version} ({engine.patterns_digest[:19]}…)"
    )
    console.print(_table(suite.rows))
    missed = sum(row.is_met is False for row in suite.rows)
    aims = sum(row.is_met is not None for row in suite.rows)
    console.print(
        f"{aims - missed} of {aims} aims are reached. Intervals: 95 %, bootstrap over texts."
    )
    for line in suite.skipped:
        console.print(f"Skipped: {line}", markup=False)
    if with_errors:
        _show_errors(console, suite)


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("measured on", "half", "measure"):
        table.add_column(name, no_wrap=True)
    for name in ("texts", "figure", "interval", "aim"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    table.add_column("baseline", no_wrap=True)
    for row in rows:
        table.add_row(
            row.measured_on,
            row.half or "",
            row.measure,
            f"{row.texts:,}",
            _figure(row.figure, row),
            "" if row.low is None else f"{row.low:.3f}-{row.high:.3f}",
            f"{'≤ ' if row.at_most else ''}{_figure(row.aim, row)}",
            {None: "", True: "reached", False: "missed"}[row.is_met],
            row.baseline,
            style="" if row.is_met is not False else "bold",
        )
    return table


def _figure(value: float | None, row: Row) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if row.at_most else f"{value:.3f}"


def _show_errors(console: Console, suite: Suite) -> None:
    """Print every error that may be looked into, in its sentence."""
    for measured_on, one in suite.mistakes:
        console.print(
            f"{measured_on} {one.id}  {one.kind}: expected {one.expected}, read {one.predicted}",
            markup=False,
        )
        words = Text(f"    {one.before} ", style="dim")
        words.append(f"[{one.quote}]" if one.quote else "", style="not dim bold")
        words.append(f" {one.after}")
        console.print(words)


def _values(suite: Suite) -> dict[str, Any]:
    """Return the figures as JSON; errors hold text and stay out."""
    return {
        "engine": asdict(suite.engine),
        "rows": [{**asdict(row), "is_met": row.is_met} for row in suite.rows],
        "skipped": suite.skipped,
    }


if __name__ == "__main__":
    sys.exit(main())
