"""``marrow submit``: post reports to a running service and follow them until all are done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import fail, messages, one_line_errors, output

if TYPE_CHECKING:
    from cli.client import Outcome

DEFAULT_URL = "http://127.0.0.1:8765"


def submit(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Files or folders to post.")
    ],
    *,
    url: Annotated[
        str, typer.Option(envvar="MARROW_URL", help="Where the service is.")
    ] = DEFAULT_URL,
    key_file: Annotated[
        Path | None, typer.Option(help="A file with the API key; else MARROW_API_KEY is read.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option("--results", "-o", help="Write the results as JSON lines.")
    ] = None,
    follow: Annotated[bool, typer.Option(help="Wait until every report is done.")] = True,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="FIELD=COLUMN", help="Say which column holds what; repeat it."
        ),
    ] = None,
) -> None:
    """Post reports from any readable file to a running service, and follow them.

    Posting the same file again posts nothing twice.

    Example: MARROW_API_KEY=marrow_... marrow submit export.csv -o results.jsonl
    """
    from archives import Mapping, read
    from cli.client import Client, ServiceError

    with one_line_errors():
        try:
            columns = Mapping.parse(mapping or [])
            with Client(url, read_key(key_file)) as client, messages().status("posting") as status:
                outcome = client.post_all(
                    read(files, columns),
                    on_posted=lambda number: status.update(f"posted {number:,} reports"),
                )
                if follow:
                    client.follow(
                        outcome,
                        results=results,
                        on_done=lambda number: status.update(
                            f"{number:,} of {len(outcome.posted):,} done"
                        ),
                    )
        except ServiceError as error:
            raise fail(str(error)) from None
    _tell(outcome, follow=follow)


def read_key(key_file: Path | None) -> str:
    """Return the API key; never an argument, which every process list would show."""
    key = key_file.read_text(encoding="utf-8") if key_file else os.environ.get("MARROW_API_KEY", "")
    if not key.strip():
        raise fail("Set MARROW_API_KEY or give --key-file; `marrow keys create` makes a key.")
    return key.strip()


def _tell(outcome: Outcome, *, follow: bool) -> None:
    console = output()
    console.print(f"{len(outcome.posted):,} reports posted, {outcome.new:,} of them new")
    if follow:
        states = ", ".join(
            f"{number:,} {state}" for state, number in sorted(outcome.states.items())
        )
        console.print(f"{states or 'nothing to follow'}")
        for level, number in outcome.levels.most_common():
            console.print(f"  {level.replace('_', ' '):<16}{number:>8,}")
    for place, code in outcome.refused[:20]:
        console.print(f"not posted: {place}: {code}", markup=False)
    if len(outcome.refused) > 20:  # noqa: PLR2004
        console.print(f"… and {len(outcome.refused) - 20:,} more were not posted")
