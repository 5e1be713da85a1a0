"""``marrow audit``: a whole archive on this machine."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import typer

from cli.audit_preview import show_previews
from cli.console import fail, load_extractor, messages, one_line_errors, output

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from audits import AuditOutcome, Plan, ShardCounts

_REFRESH_S = 0.1
_LEAVING = frozenset({"refused", "undesired", "duplicates", "superseded", "failed", "out_of_scope"})
"""Steps of the attrition that tell what was left out."""


def audit(  # noqa: PLR0913 - each is an option of the command
    archives: Annotated[
        list[Path], typer.Argument(metavar="ARCHIVE...", help="Files or folders to read.")
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="A new directory for the results.", show_default=False),
    ] = None,
    focus: Annotated[
        Literal["hip", "all"],
        typer.Option(help="Which reports are read and kept: those that show a hip, or all."),
    ] = "all",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes.", show_default="one a core")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the audit that this directory holds.")
    ] = False,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="FIELD=COLUMN", help="Say which column holds what; repeat it."
        ),
    ] = None,
    day_first: Annotated[
        bool | None,
        typer.Option(
            "--day-first/--month-first",
            help="How 03/04/2021 is to be read.",
            show_default="not read",
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Leave out examinations before this day; those without a date stay.",
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Leave out examinations after this day; those without a date stay.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Show what is recognised in the first 100 rows: format, encoding, columns; and stop.",
        ),
    ] = False,
    patterns: Annotated[
        Path | None,
        typer.Option(
            envvar="MARROW_PATTERNS",
            help="Your own pattern directory.",
            show_default="the shipped one",
        ),
    ] = None,
) -> None:
    """Audit an archive of reports: every probable case with its evidence, and all that was lost.

    Reads CSV, TSV, Parquet, JSON lines, HL7 v2 (files, MLLP, logs), FHIR (JSON, NDJSON, XML), DICOM SR,
    OMOP NOTE and text; files, folders and zips. Ctrl-C leaves a state that --resume continues. Search
    and audit, not a diagnosis.

    Example: marrow audit export.csv -o audit-2026 --map text=report_body
    """
    from archives import Mapping
    from audits import AuditArguments, AuditError, Focus, run_audit

    console = messages()
    if dry_run:
        with one_line_errors():
            from archives.preview import Days

            days = Days(since.date() if since else None, until.date() if until else None)
            show_previews(archives, Mapping.parse(mapping or [], day_first=day_first), days)
        return
    if out is None:
        raise fail(
            "say where the results go: -o DIRECTORY (or --dry-run, to see what would be read)"
        )
    with one_line_errors(), _interrupts(out):
        try:
            arguments = AuditArguments(
                archives=tuple(archives),
                out=out,
                focus=Focus(focus),
                mapping=Mapping.parse(mapping or [], day_first=day_first),
                workers=workers or _cores(),
                resume=resume,
                since=since.date() if since else None,
                until=until.date() if until else None,
            )
            # Rich's own refresh thread would make forking unsafe: refreshed by hand instead.
            extractor = load_extractor(patterns)
            with _Bars(console) as bars:
                outcome = run_audit(arguments, extractor, bars)
        except AuditError as error:
            raise fail(str(error)) from None
    _tell(outcome)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _interrupts(out: Path) -> Iterator[None]:
    """Say how to go on after Ctrl-C or a polite kill; what was committed stays."""

    def stop(_signum: int, _stack: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(
            f"marrow: stopped; nothing is lost, continue with the same command and --resume (-o {out}).",
            err=True,
        )
        raise typer.Exit(130) from None
    finally:
        signal.signal(signal.SIGTERM, before)


class _Bars:
    """Progress on standard error: a bar on a terminal, a line at each stage elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._seen_s = 0.0
        self._failed = self._cases = 0

    def __enter__(self) -> Self:
        from rich import progress as rich

        if self._console.is_terminal:
            self._progress = rich.Progress(
                rich.TextColumn("{task.description}"),
                rich.BarColumn(),
                rich.MofNCompleteColumn(),
                rich.TextColumn("{task.fields[rate]}"),
                rich.TimeRemainingColumn(),
                rich.TextColumn("{task.fields[found]}"),
                console=self._console,
                auto_refresh=False,
            )
            self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._progress is not None:
            self._progress.refresh()
            self._progress.stop()

    def planning(self, rows: int) -> None:
        """Show how many rows have been read."""
        self._show("reading the archive", total=None, completed=rows)

    def planned(self, plan: Plan, done: int) -> None:
        """Show the bar of the extraction."""
        self._close()
        total = plan.planned - plan.passed_over
        text = f"{total:,} reports in {len(plan.shards):,} shards"
        if plan.passed_over:
            text += f", {plan.passed_over:,} more name nothing of the region"
        self._say(f"{text}, {done:,} done before" if done else text)
        self._began_s, self._earlier = time.monotonic(), done
        self._done, self._total = done, total
        self._show("extracting", total=total, completed=done)

    def extracted(self, counts: ShardCounts) -> None:
        """Move the bar by a shard."""
        self._done += counts.reports
        self._failed += counts.failed
        self._cases += counts.cases
        seconds = time.monotonic() - self._began_s
        rate = (self._done - self._earlier) / seconds if seconds else 0.0
        found = f"{self._cases:,} with the tag"
        if self._failed:
            found += f", {self._failed:,} failed"
        self._show(
            "extracting",
            total=self._total,
            completed=self._done,
            rate=f"{rate:,.0f}/s",
            found=found,
        )

    def finishing(self) -> None:
        """Say that the tables are being written."""
        self._close()
        self._say("linking patients, writing tables and the page")

    def _show(
        self, label: str, *, total: int | None, completed: int, rate: str = "", found: str = ""
    ) -> None:
        if self._progress is None:
            return
        if self._task is None:
            self._task = self._progress.add_task(label, total=total, rate=rate, found=found)
        self._progress.update(self._task, completed=completed, rate=rate, found=found)
        if time.monotonic() - self._seen_s > _REFRESH_S or completed == total:
            self._seen_s = time.monotonic()
            self._progress.refresh()

    def _close(self) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.refresh()
            self._progress.stop_task(self._task)
        self._task = None

    def _say(self, text: str) -> None:
        self._console.print(f"[dim]marrow:[/] {text}")


def _tell(outcome: AuditOutcome) -> None:
    """Print what came out: the sums first, then where everything is."""
    out = outcome.layout.out
    console = output()
    if outcome.was_finished:
        console.print("This audit was finished before; nothing was done.\n")
    tell_summary(console, outcome.summary)
    console.print(f"\nThe page: [bold]{out / 'report.html'}[/]")
    console.print(f"Cases: {out / 'cases.csv'}    What failed: {out / 'failures.csv'}")
    console.print("\n[italic]Search and audit, not a diagnosis.[/]")


def tell_summary(console: Console, summary: dict[str, Any]) -> None:
    """Print the sums of an audit."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    for step in summary["attrition"]:
        left_out = step["step"] in _LEAVING
        label = f"  {step['label']}" if left_out else f"[bold]{step['label']}[/]"
        table.add_row(label, f"{step['reports']:,}", style="dim" if left_out else "")
    console.print(table)
    _tell_cases(console, summary)


def _tell_cases(console: Console, summary: dict[str, Any]) -> None:
    cases = summary["cases"]
    console.print(
        f"[bold]{cases['hips']:,} cases[/] ({cases['hips_stated']:,} stated, "
        f"{cases['hips_probable']:,} probable) in {cases['reports']:,} reports; "
        f"{cases['review_list']:,} more reports are possible and for review."
    )
    failed = sum(row["reports"] for row in summary["failures"])
    if failed:
        reasons = ", ".join(f"{row['code']} {row['reports']:,}" for row in summary["failures"])
        console.print(f"{failed:,} could not be read: {reasons}.")
