"""``marrow audits``: audits by a running service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import typer

from cli.console import fail, messages, one_line_errors, output
from cli.submit import DEFAULT_URL, read_key

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from cli.audit_client import AuditClient

app = typer.Typer(no_args_is_help=True, help="Audits of archives by a running service.")

Url = Annotated[str, typer.Option(envvar="MARROW_URL", help="Where the service is.")]
KeyFile = Annotated[
    Path | None, typer.Option(help="A file with the API key; else MARROW_API_KEY is read.")
]
_ID_CHARS = 30
AuditId = Annotated[str, typer.Argument(metavar="ID", help="The audit, as `aud_...`.")]


@app.command()
def submit(  # noqa: PLR0913 (as many options as there are)
    archive: Annotated[
        Path | None, typer.Argument(metavar="[ARCHIVE]", help="The file to upload.")
    ] = None,
    *,
    source: Annotated[
        str | None,
        typer.Option(help="Instead: file:///path that the service may read where it lies."),
    ] = None,
    focus: Annotated[
        Literal["hip", "all"],
        typer.Option(help="Which reports are read and kept: those that show a hip, or all."),
    ] = "all",
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
        typer.Option("--dry-run", help="Show what is recognised in the first rows, and stop."),
    ] = False,
    upload: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Go on with an upload of the same file that broke off, or was tried dry.",
        ),
    ] = None,
    follow: Annotated[bool, typer.Option(help="Wait until it is done.")] = True,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write its files here once it is done.")
    ] = None,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = None,
) -> None:
    """Have an archive audited by a running service, and follow it.

    An upload that breaks off goes on by itself, and by --upload after this command has ended. Ctrl-C
    stops following, not the audit.

    Example: MARROW_API_KEY=marrow_... marrow audits submit export.csv.gz -o audit-2026
    """
    if (archive is None) == (source is None):
        raise fail("Name one file, or --source.")
    if archive is not None and archive.is_dir():
        raise fail(f"{archive} is a folder: pack it into a zip, or use --source.")
    if out is not None and not follow:
        raise fail("-o needs the end of the audit: leave out --no-follow, or fetch it later.")
    arguments: dict[str, Any] = {"focus": focus, "map": mapping or []}
    if day_first is not None:
        arguments["day_first"] = day_first
    for name, day in (("since", since), ("until", until)):
        if day is not None:
            arguments[name] = day.date().isoformat()
    with _client(url, key_file) as client:
        body = {"source": source or ""}
        if archive is not None:
            body = {"upload": _upload(client, archive, upload)}
        if dry_run:
            _show_preview(client, body, arguments)
            return
        audit = client.submit(body, arguments)
        typer.echo(f"{audit['id']} {audit['state']}")
        if follow:
            _follow(client, audit["id"], out)


@app.command()
def follow(
    audit: AuditId,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write its files here once it is done.")
    ] = None,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = None,
) -> None:
    """Follow an audit until its end.

    Example: marrow audits follow aud_01jd...
    """
    with _client(url, key_file) as client:
        _follow(client, audit, out)


@app.command("list")
def list_(*, url: Url = DEFAULT_URL, key_file: KeyFile = None) -> None:
    """List all audits, newest first.

    Example: marrow audits list
    """
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    # Ids are there to be copied: never shortened, however narrow the terminal is.
    table.add_column("id", no_wrap=True, min_width=_ID_CHARS)
    table.add_column("state", no_wrap=True, min_width=len("extracting"))
    table.add_column("reports", justify="right")
    table.add_column("tagged", justify="right")
    table.add_column("created")
    table.add_column("name", overflow="fold")
    with _client(url, key_file) as client:
        for one in client.list_all():
            counts = one["counts"]
            reports = "" if counts["reports"] is None else f"{counts['reports']:,}"
            table.add_row(
                one["id"],
                one["state"],
                reports,
                f"{counts['tagged']:,}",
                one["created_at"][:16].replace("T", " "),
                escape(one["name"]),
            )
    output().print(table)


@app.command()
def show(audit: AuditId, *, url: Url = DEFAULT_URL, key_file: KeyFile = None) -> None:
    """Show how far an audit is, and what it found.

    Example: marrow audits show aud_01jd...
    """
    with _client(url, key_file) as client:
        _tell(client.get(audit))


@app.command()
def fetch(
    audit: AuditId,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="A directory for the files.")],
    url: Url = DEFAULT_URL,
    key_file: KeyFile = None,
) -> None:
    """Write the files of an audit that is done, as `marrow audit` writes them.

    Example: marrow audits fetch aud_01jd... -o audit-2026
    """
    with _client(url, key_file) as client:
        _fetch(client, audit, out)


@app.command()
def cancel(audit: AuditId, *, url: Url = DEFAULT_URL, key_file: KeyFile = None) -> None:
    """Stop an audit for good.

    Example: marrow audits cancel aud_01jd...
    """
    with _client(url, key_file) as client:
        typer.echo(f"{audit} {client.cancel(audit)['state']}")


@app.command()
def delete(
    audit: AuditId,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = None,
) -> None:
    """Delete an audit with its archive and its results, for good.

    Example: marrow audits delete aud_01jd... --yes
    """
    if not yes:
        typer.confirm("Delete the audit with its results?", abort=True, err=True)
    with _client(url, key_file) as client:
        client.delete(audit)
    typer.echo(f"{audit} deleted")


@contextmanager
def _client(url: str, key_file: Path | None) -> Iterator[AuditClient]:
    from cli.audit_client import AuditClient
    from cli.client import ServiceError

    with one_line_errors():
        try:
            with AuditClient(url, read_key(key_file)) as client:
                yield client
        except ServiceError as error:
            raise fail(str(error)) from None


def _upload(client: AuditClient, archive: Path, id_: str | None) -> str:
    """Upload a file, or go on with it; return the id of the upload."""
    from cli.upload_client import announce, send_rest

    with messages().status("uploading") as status:

        def show(sent: int, size: int) -> None:
            status.update(f"uploading: {100 * sent // size} %")

        if id_ is None:
            id_ = announce(client, archive)
        try:
            send_rest(client, id_, archive, on_sent=show)
        except KeyboardInterrupt:
            typer.echo(f"marrow: stopped; go on with the same command and --upload {id_}", err=True)
            raise typer.Exit(130) from None
    return id_


def _show_preview(client: AuditClient, body: dict[str, str], arguments: dict[str, Any]) -> None:
    from cli.audit_preview import show_preview

    found = client.preview(body, arguments)
    show_preview(found["name"], found)
    if "upload" in body:
        # Not by the console, which would break what is to be copied.
        typer.echo(f"The file is kept for a day: audit it with --upload {body['upload']}")


def _follow(client: AuditClient, id_: str, out: Path | None) -> None:
    try:
        with _Bar() as bar:
            audit = client.follow_audit(id_, bar.show)
    except KeyboardInterrupt:
        typer.echo(f"marrow: the audit goes on; see `marrow audits follow {id_}`.", err=True)
        raise typer.Exit(130) from None
    _tell(audit)
    if audit["state"] != "done":
        raise typer.Exit(1)
    if out is not None:
        _fetch(client, id_, out)


def _fetch(client: AuditClient, id_: str, out: Path) -> None:
    client.fetch(id_, out)
    typer.echo(f"The page: {out / 'report.html'}")


def _tell(audit: dict[str, Any]) -> None:
    """Print an audit: its state, and the sums once it is done."""
    from cli.audit import tell_summary

    console = output()
    console.print(f"[bold]{audit['id']}[/] {audit['state']}")
    console.print(audit["name"], markup=False)
    if audit["error"] is not None:
        console.print(f"{audit['error']['code']}: {audit['error']['detail']}", markup=False)
    if audit["summary"] is not None:
        tell_summary(console, audit["summary"])
        console.print("\n[italic]Search and audit, not a diagnosis.[/]")
        return
    counts = audit["counts"]
    console.print(f"{counts['rows_read']:,} rows read")
    if counts["to_extract"] is not None:
        console.print(f"{counts['extracted']:,} of {counts['to_extract']:,} reports extracted")


class _Bar:
    """The progress of an audit on standard error: a bar on a terminal, nothing elsewhere."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        from rich import progress as rich

        console = messages()
        if console.is_terminal:
            self._progress = rich.Progress(
                rich.TextColumn("{task.description}"),
                rich.BarColumn(),
                rich.MofNCompleteColumn(),
                rich.TextColumn("{task.fields[rate]}"),
                rich.TimeRemainingColumn(),
                console=console,
            )
            self._progress.start()
            self._task = self._progress.add_task("queued", total=None, rate="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def show(self, event: dict[str, Any]) -> None:
        """Show what an event says."""
        if self._progress is None or self._task is None:
            return
        counts, rate = event["counts"], event["reports_per_s"]
        planned = counts["to_extract"] is not None
        self._progress.update(
            self._task,
            description=event["state"],
            total=counts["to_extract"],
            completed=counts["extracted"] if planned else counts["rows_read"],
            rate="" if rate is None else f"{rate:,.0f}/s",
        )
