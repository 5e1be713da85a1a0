"""The ``marrow`` command with all its parts.

Every command imports what it needs when it runs: ``marrow --help`` loads neither spaCy nor Celery
nor FastAPI (a test holds it to that).
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from cli import audits, keys, processes, sessions, text_keys
from cli.access_log import access_log, verify_log
from cli.audit import audit
from cli.backup import backup, restore
from cli.evaluate import evaluate
from cli.extract import extract
from cli.mllp import mllp
from cli.omop import omop
from cli.patterns import app as patterns
from cli.purge import purge
from cli.serve import serve
from cli.submit import submit
from cli.validation import app as validation

_UsageError: Any = typer.BadParameter.__mro__[1]
"""What Typer raises on a wrong call; it exports only this class's child."""

app = typer.Typer(
    name="marrow",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Free-text radiology reports into structured findings, and the search for idiopathic "
        "transient osteoporosis of the hip. Search and audit, not a diagnosis.\n\n"
        "Example: marrow extract report.txt"
    ),
)

app.command(rich_help_panel="On this machine")(extract)
app.command(rich_help_panel="On this machine")(audit)
app.add_typer(validation, name="validation", rich_help_panel="On this machine")
app.command(rich_help_panel="On this machine")(omop)
app.command(rich_help_panel="On this machine")(evaluate)
app.add_typer(patterns, name="patterns", rich_help_panel="On this machine")
app.command(rich_help_panel="The service")(serve)
app.command(rich_help_panel="The service")(submit)
app.add_typer(audits.app, name="audits", rich_help_panel="The service")
app.add_typer(keys.app, name="keys", rich_help_panel="The service")
app.add_typer(sessions.app, name="sessions", rich_help_panel="The service")
app.add_typer(text_keys.app, name="text-keys", rich_help_panel="The service")
app.command(rich_help_panel="The service")(purge)
app.command(rich_help_panel="The service")(access_log)
app.command(rich_help_panel="The service")(verify_log)
app.command(rich_help_panel="The service")(backup)
app.command(rich_help_panel="The service")(restore)
app.command(rich_help_panel="The service in production")(processes.api)
app.command(rich_help_panel="The service in production")(mllp)
app.command(rich_help_panel="The service in production")(processes.worker)
app.command(rich_help_panel="The service in production")(processes.dispatcher)
app.add_typer(processes.db_app, name="db", rich_help_panel="The service in production")


def _version(wanted: bool) -> None:
    if wanted:
        from extractor._version import __version__

        typer.echo(f"marrow {__version__}")
        raise typer.Exit


@app.callback()
def marrow(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Hold what all commands share."""


def main() -> None:
    """Run the command line; a wrong call ends with 2 and one line, Ctrl-C with 130, neither with a traceback."""
    try:
        code = app(standalone_mode=False)
    except _UsageError as error:
        command = error.ctx.command_path if error.ctx else "marrow"
        message = " ".join(error.format_message().split())
        if message:
            print(f"marrow: {message} See: {command} --help", file=sys.stderr)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)
