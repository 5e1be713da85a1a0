"""``marrow sessions``: see who is signed in to the pages, and sign somebody out."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.logged import entry
from cli.processes import one_line_errors

app = typer.Typer(
    no_args_is_help=True,
    help="People who are signed in to the pages. Example: marrow sessions list",
)


@app.command("list")
def list_sessions() -> None:
    """List the sessions that are open, oldest first.

    Example: marrow sessions list
    """
    from api.settings import ApiSettings
    from api.signing_in import times_of
    from storage import sessions
    from storage.database import Database
    from storage.settings import StorageSettings

    with one_line_errors(), Database.open(StorageSettings()) as database:
        database.check_current()
        with database.read() as conn:
            found = sessions.list_open(conn, times_of(ApiSettings()))
    for one in found:
        times = (one.created_at, one.last_used_at, one.expires_at)
        told = [at.isoformat(timespec="minutes") for at in times]
        typer.echo("\t".join((one.id, one.caller, *told, one.name)))
    if not found:
        typer.echo("nobody is signed in", err=True)


@app.command()
def end(id: Annotated[str, typer.Argument(help="The session's id, from the list.")]) -> None:  # noqa: A002
    """Sign somebody out, at once.

    Example: marrow sessions end 4f9a12bc77de
    """
    from storage import access_log, sessions
    from storage.access_model import Action
    from storage.database import Database
    from storage.settings import StorageSettings

    with one_line_errors(), Database.open(StorageSettings()) as database:
        database.check_current()
        with database.begin() as conn:
            is_ended = sessions.end(conn, id)
            if is_ended:
                done = entry("marrow sessions end", Action.ADMINISTER, target=f"session:{id}")
                access_log.append(conn, [done])
    if not is_ended:
        typer.echo("marrow: no such session, or it is over; see: marrow sessions list", err=True)
        raise typer.Exit(2)
    typer.echo(f"ended {id}")
