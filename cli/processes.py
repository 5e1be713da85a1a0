"""The parts of the service, a process each: ``marrow api``, ``worker``, ``dispatcher``, ``db``.

All settings come from the environment (``MARROW_...``); ``marrow serve`` starts the same commands
as ``python -m cli.processes ...``, which imports nothing that they do not need.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

SWITCH_S = 0.0005
"""Between two threads of the API; Python's own is ten times that."""

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The parts of the service, one process each.",
)
db_app = typer.Typer(no_args_is_help=True, help="The database of the service.")
app.add_typer(db_app, name="db")


@app.command()
def api(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The TCP port; 0 takes a free one.")] = None,
    fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Serve the HTTP API.

    Example: MARROW_DATABASE_URL=postgresql://... MARROW_REDIS_URL=redis://... marrow api
    """
    from api.app import create_app
    from api.server import make_server
    from api.settings import ApiSettings
    from storage.database import Database
    from workers import logs
    from workers.bell import Bell, BellSettings
    from workers.no_core_dumps import forbid_core_dumps

    with one_line_errors():
        settings, bell_settings = ApiSettings(), BellSettings()
        if host is not None:
            settings = settings.model_copy(update={"host": host})
        logs.configure()
        forbid_core_dumps()
        with Database.open(bell_settings) as database:
            database.check_current()
        bell = Bell.open(bell_settings)
        application = create_app(settings, bell_settings, ring=bell.ring)
        server = make_server(
            application,
            host=settings.host,
            port=settings.port if port is None else port,
            trusted_proxies=settings.trusted_proxies,
        )
        # Threads that store hold the database meanwhile: they must not wait for the event loop.
        sys.setswitchinterval(SWITCH_S)
        sockets = None if fd is None else [socket.socket(fileno=fd)]
        server.run(sockets=sockets)


@app.command()
def worker(
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that read reports.", show_default="one a core"),
    ] = None,
) -> None:
    """Read reports from the queue.

    Example: marrow worker --concurrency 4
    """
    from workers.processes import run_worker
    from workers.settings import WorkerSettings

    with one_line_errors():
        settings = WorkerSettings()
        if concurrency is not None:
            settings = settings.model_copy(update={"worker_concurrency": concurrency})
        raise typer.Exit(run_worker(settings))


@app.command()
def dispatcher() -> None:
    """Ring for what waits, and bring back what got lost. Needed once; several do no harm.

    Example: marrow dispatcher
    """
    from workers.processes import run_dispatcher
    from workers.settings import WorkerSettings

    with one_line_errors():
        raise typer.Exit(run_dispatcher(WorkerSettings()))


@db_app.command()
def upgrade(
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for a database that is starting.")
    ] = 0,
) -> None:
    """Bring the database's tables to what this version needs.

    Example: marrow db upgrade --wait 60
    """
    from storage.database import Database
    from storage.settings import StorageSettings

    with one_line_errors(), Database.open(StorageSettings()) as database:
        database.wait(wait)
        before = database.revision()
        database.upgrade()
        after = database.revision()
    typer.echo(f"at {after} already" if before == after else f"upgraded to {after}")


@db_app.command()
def downgrade(
    revision: Annotated[str, typer.Argument(help="The older revision, such as 0001; or base.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it: what the older tables cannot hold is lost.")
    ] = False,
) -> None:
    """Bring the tables back to what an older version needs. Stop the service and back up first.

    Example: marrow db downgrade 0002 --yes
    """
    from storage.database import Database
    from storage.settings import StorageSettings

    if not yes:
        typer.echo(
            "marrow: what the older tables cannot hold is lost; stop the service, make a backup, "
            "and give --yes",
            err=True,
        )
        raise typer.Exit(2)
    with one_line_errors(), Database.open(StorageSettings()) as database:
        before = database.revision()
        database.downgrade(revision)
        after = database.revision()
    typer.echo(f"downgraded from {before} to {after or 'none'}")


@db_app.command()
def compact() -> None:
    """Write the tables anew, so that no byte of what was deleted is left in them.

    Nobody can write meanwhile; requests are told to come back. Example: marrow db compact
    """
    from cli.purge import compact_and_say
    from storage.database import Database
    from storage.settings import StorageSettings

    with one_line_errors(), Database.open(StorageSettings()) as database:
        database.check_current()
        compact_and_say(database)
    typer.echo("compacted")


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End with exit code 2 and one line for what an operator can mend."""
    from pydantic import ValidationError

    from extractor.errors import ExtractorError
    from storage.errors import StorageError
    from workers.errors import WorkerError

    try:
        yield
    except ValidationError as error:
        # Settings: a value may hold a password, so only the name is told.
        for fault in error.errors(include_url=False, include_input=False, include_context=False):
            name = "MARROW_" + "_".join(str(part) for part in fault["loc"]).upper()
            typer.echo(f"marrow: {name.rstrip('_')}: {fault['msg']}", err=True)
        raise typer.Exit(2) from None
    except (StorageError, WorkerError, ExtractorError) as error:
        typer.echo(f"marrow: {error}", err=True)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    app()
