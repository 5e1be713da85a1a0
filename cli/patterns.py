"""``marrow patterns``: the clinical knowledge, checked and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.console import load_extractor, one_line_errors, output

app = typer.Typer(
    no_args_is_help=True,
    help="The pattern set: check its examples, show what it holds. Example: marrow patterns check",
)
Directory = Annotated[
    Path | None,
    typer.Argument(
        envvar="MARROW_PATTERNS", help="A pattern directory.", show_default="the shipped one"
    ),
]


@app.command()
def check(directory: Directory = None) -> None:
    """Load the patterns and run every example in them; exit code 1 when one fails.

    Example: marrow patterns check ./my-patterns
    """
    from rich.text import Text

    from evaluation.examples import check_examples

    with one_line_errors():
        extractor = load_extractor(directory)
        checked = check_examples(extractor)
    console = output()
    for fault in checked.faults:
        console.print(Text(f"{fault.rule}: ", style="bold").append(fault.text, style="not bold"))
        console.print(Text(f"    expected {fault.expected}", style="green"))
        console.print(Text(f"    read     {fault.found}", style="red"))
    patterns = extractor.patterns
    console.print(
        f"{patterns.name} {patterns.version}: {len(patterns.rules):,} rules, "
        f"{checked.examples:,} examples, {len(checked.faults):,} failed"
    )
    if checked.faults:
        raise typer.Exit(1)


@app.command()
def show(directory: Directory = None) -> None:
    """Show the version, the digest and how much the pattern set holds.

    Example: marrow patterns show
    """
    with one_line_errors():
        patterns = load_extractor(directory).patterns
    console = output()
    console.print(f"[bold]{patterns.name} {patterns.version}[/]")
    console.print(patterns.digest)
    for name, finding in sorted(patterns.findings.items()):
        rules = sum(rule.finding == name for rule in patterns.rules)
        target = "  target" if name in patterns.targets else ""
        console.print(f"  {name:<28} {finding.title:<40} {rules:>3} rules{target}")
