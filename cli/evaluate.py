"""``marrow evaluate``: how well the extractor reads, against a gold file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import fail, load_extractor, messages, one_line_errors, output

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from evaluation import Evaluation
    from evaluation.counts import Measure

MISTAKES_SHOWN = 20


def evaluate(
    gold: Annotated[Path, typer.Option(help="JSON lines with what is right.")],
    html: Annotated[Path | None, typer.Option(help="Write all of it as a page.")] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Write every prediction as JSON lines.")
    ] = None,
    errors: Annotated[
        int, typer.Option(min=0, help="How many errors are printed.")
    ] = MISTAKES_SHOWN,
    *,
    patterns: Annotated[
        Path | None,
        typer.Option(
            envvar="MARROW_PATTERNS",
            help="Your own pattern directory.",
            show_default="the shipped one",
        ),
    ] = None,
) -> None:
    """Measure the extractor against a gold file: precision, recall and F1 with 95 % intervals.

    Lines are {id, text, expected: {mentions, level}} or {id, text, target: {start, end},
    expected: {negated, ...}}.

    Example: marrow evaluate --gold gold.jsonl --html evaluation.html
    """
    from evaluation import EvaluationError, read_gold
    from evaluation import evaluate as run

    with one_line_errors():
        try:
            lines = list(read_gold(gold))
            if not lines:
                raise fail(f"{gold} holds no lines.")
            with messages().status(f"reading {len(lines):,} texts"):
                evaluation = run(lines, load_extractor(patterns))
        except EvaluationError as error:
            raise fail(str(error)) from None
        if predictions is not None:
            text = "".join(
                json.dumps(one, ensure_ascii=False) + "\n" for one in evaluation.predictions
            )
            predictions.write_text(text, encoding="utf-8")
        if html is not None:
            from evaluation.render import render

            html.write_text(render(evaluation, gold.name), encoding="utf-8")
        _show(output(), evaluation, errors)


def _show(console: Console, evaluation: Evaluation, errors: int) -> None:
    texts = [f"{evaluation.reports:,} reports"] if evaluation.reports else []
    texts += [f"{evaluation.spans:,} given spans"] if evaluation.spans else []
    engine = evaluation.engine
    console.print(
        f"{' and '.join(texts)}, patterns {engine.patterns_version} ({engine.patterns_digest[:19]}…)"
    )
    console.print(_scores(evaluation))
    if evaluation.levels:
        console.print(_levels(evaluation))
    for mistake in evaluation.mistakes[:errors]:
        from rich.text import Text

        line = Text(f"{mistake.id}  ", style="dim")
        line.append(f"{mistake.kind}: ", style="not dim bold")
        line.append(f"expected {mistake.expected}, read {mistake.predicted}", style="not dim")
        console.print(line)
        if mistake.quote:
            words = Text(f"    {mistake.before} ", style="dim")
            words.append(f"[{mistake.quote}]", style="not dim bold")
            words.append(f" {mistake.after}")
            console.print(words)
    left = len(evaluation.mistakes) - errors
    if left > 0:
        console.print(
            f"… and {left:,} more errors; --html FILE or --errors N shows them.", style="dim"
        )


def _scores(evaluation: Evaluation) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("", "precision", "recall", "F1", "right", "extra", "missed"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    last = ""
    for one in evaluation.scores:
        name = one.name.replace("_", " ")
        is_first = one.kind != last
        label = f"{one.kind}: {name}" if is_first else f"  {name}"
        counts = (one.true_positives, one.false_positives, one.false_negatives)
        table.add_row(
            label,
            *(_measure(value) for value in (one.precision, one.recall, one.f1)),
            *(f"{number:,}" for number in counts),
            style="bold" if is_first else "",
        )
        last = one.kind
    return table


def _measure(measure: Measure) -> str:
    if measure.value is None:
        return "-"
    return f"{measure.value:.3f} {measure.low:.2f}-{measure.high:.2f}"


def _levels(evaluation: Evaluation) -> Table:
    from rich import box
    from rich.table import Table

    from extractor.model import Level

    used = [level for level in Level if any(level in pair for pair in evaluation.levels)]
    accuracy = evaluation.level_accuracy or 0.0
    table = Table(
        title=f"Level: expected (rows) and read (columns); {accuracy:.1%} equal",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        header_style="dim",
        pad_edge=False,
    )
    table.add_column("")
    for level in used:
        table.add_column(level.replace("_", " "), justify="right")
    for expected in used:
        cells = [evaluation.levels[expected, predicted] for predicted in used]
        shown = [
            f"[bold]{number}[/]" if expected is used[place] else str(number or "·")
            for place, number in enumerate(cells)
        ]
        table.add_row(expected.replace("_", " "), *shown)
    return table
