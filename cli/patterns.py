"""``marrow patterns``: the clinical knowledge, checked, compared and shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cli.console import load_extractor, messages, one_line_errors, output

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "The pattern set: check its examples, find what does nothing in it, see what a change "
        "does to reports. Example: marrow patterns check"
    ),
)
Directory = Annotated[
    Path | None,
    typer.Argument(
        envvar="MARROW_PATTERNS", help="A pattern directory.", show_default="the shipped one"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SHIPPED = "shipped"


@app.command()
def check(directory: Directory = None) -> None:
    """Load the patterns and run every example in them; exit code 1 when one fails.

    Example: marrow patterns check ./my-patterns
    """
    from rich.text import Text

    from audits.course_examples import check_course_examples
    from evaluation.examples import check_examples

    with one_line_errors():
        extractor = load_extractor(directory)
        checked = check_examples(extractor)
        courses = list(check_course_examples(extractor))
    console = output()
    for fault in checked.faults:
        console.print(Text(f"{fault.rule}: ", style="bold").append(fault.text, style="not bold"))
        console.print(Text(f"    expected {fault.expected}", style="green"))
        console.print(Text(f"    read     {fault.found}", style="red"))
    wrong = [one for one in courses if one.faults]
    for one in wrong:
        console.print(Text(f"{one.rule}: ", style="bold").append(one.shown, style="not bold"))
        console.print(Text(f"    {'; '.join(one.faults)}", style="red"))
    patterns, failed = extractor.patterns, len(checked.faults) + len(wrong)
    console.print(
        f"{patterns.name} {patterns.version}: {len(patterns.rules):,} rules, "
        f"{checked.examples + len(courses):,} examples, {failed:,} failed"
    )
    if failed:
        raise typer.Exit(1)


@app.command()
def lint(directory: Directory = None, *, as_json: AsJson = False) -> None:
    """Find what silently does nothing: duplicates, hidden phrases, cues without reach, unknown names.

    Errors give exit code 1, notes do not. Each names its file, line and mend.

    Example: marrow patterns lint ./my-patterns
    """
    from cli.patterns_view import show_remarks
    from extractor.knowledge.lint import Severity, lint_patterns

    with one_line_errors():
        remarks = lint_patterns(directory)
    errors = sum(one.severity == Severity.ERROR for one in remarks)
    if as_json:
        typer.echo(json.dumps([one.to_dict() for one in remarks], ensure_ascii=False, indent=2))
    else:
        console = output()
        show_remarks(console, remarks)
        console.print(f"{errors:,} errors, {len(remarks) - errors:,} notes")
    if errors:
        raise typer.Exit(1)


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="A pattern directory, or 'shipped'.")],
    new: Annotated[str, typer.Argument(help="A pattern directory, or 'shipped'.")],
    *,
    archive: Annotated[Path, typer.Option(help="Reports to read: a file or folder.")],
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="FIELD=COLUMN", help="Say which column holds what; repeat it."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show which reports of an archive change from one pattern set to another, before and after.

    Of a report's text only the quotes of mentions that change are shown.

    Example: marrow patterns diff shipped ./my-patterns --archive export.csv
    """
    from archives import Mapping, read
    from cli.patterns_view import add_report, differences_table, show_counts
    from evaluation.differences import Comparison

    with one_line_errors():
        columns = Mapping.parse(mapping or [])
        comparison = Comparison(load_extractor(_directory(old)), load_extractor(_directory(new)))
        with messages().status("reading the archive with both"):
            changed = list(comparison.read(read([archive], columns)))
    if as_json:
        reports = [one.to_dict() for one in changed]
        answer = {**comparison.to_dict(), "differences": reports}
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    console = output()
    table = differences_table()
    for one in changed:
        add_report(table, one)
    if changed:
        console.print(table)
    show_counts(console, comparison)


def _directory(name: str) -> Path | None:
    return None if name == SHIPPED else Path(name)


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
