"""``marrow keys``: make, list and revoke API keys, on the machine that has the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from api.roles import SCOPES, Role, role_of
from api.scopes import Scope
from cli.logged import entry

if TYPE_CHECKING:
    from storage.database import Database
    from storage.keys import Key

app = typer.Typer(
    no_args_is_help=True,
    help="API keys: what they may do, and until when. Example: marrow keys list",
)
DEFAULT_DAYS = 365


@app.command()
def create(
    name: Annotated[str, typer.Option(help="Who or what uses the key, for the list.")],
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="What else the key may do, or all that it may; repeat it."),
    ] = None,
    role: Annotated[
        Role | None,
        typer.Option(help="What its user is. Without role and scope: submitter."),
    ] = None,
    days: Annotated[
        int, typer.Option(min=0, help="For how many days; 0 is for ever.")
    ] = DEFAULT_DAYS,
) -> None:
    """Make a key and print it, this once.

    Example: marrow keys create --name "ward 3" --role viewer
    """
    from storage import access_log, keys
    from storage.access_model import Action

    if role is None and not scope:
        role = Role.SUBMITTER
    scopes = {*(scope or ()), *(SCOPES[role] if role else ())}
    expires_at = datetime.now(UTC) + timedelta(days=days) if days else None
    with _opened() as store, store.database.begin() as conn:
        new = keys.create(conn, store.pepper, name=name, scopes=scopes, expires_at=expires_at)
        made = entry("marrow keys create", Action.ADMINISTER, target=f"key:{new.key.id}")
        access_log.append(conn, [made])
    # The key alone on standard output, so that a script can keep it.
    typer.echo(f"key {new.key.id} ({_rights(new.key)}), shown this once:", err=True)
    typer.echo(new.token)


@app.command("list")
def list_keys() -> None:
    """List all keys, without their secrets.

    Example: marrow keys list
    """
    from storage import keys

    with _opened() as store, store.database.read() as conn:
        found = keys.list_all(conn)
    for key in found:
        typer.echo("\t".join((key.id, _state(key), _day(key.last_used_at), key.name, _rights(key))))
    if not found:
        typer.echo("no keys yet; make one: marrow keys create --name ...", err=True)


@app.command()
def revoke(id: Annotated[str, typer.Argument(help="The key's id, from the list.")]) -> None:  # noqa: A002
    """Revoke a key: it opens nothing from now on.

    Example: marrow keys revoke 4f9Kq2Lz
    """
    from storage import access_log, keys
    from storage.access_model import Action

    with _opened() as store, store.database.begin() as conn:
        is_revoked = keys.revoke(conn, id)
        if is_revoked:
            done = entry("marrow keys revoke", Action.ADMINISTER, target=f"key:{id}")
            access_log.append(conn, [done])
    if not is_revoked:
        typer.echo("marrow: no such key, or it is revoked already; see: marrow keys list", err=True)
        raise typer.Exit(2)
    typer.echo(f"revoked {id}")


@dataclass(frozen=True, slots=True)
class _Store:
    database: Database
    pepper: bytes


@contextmanager
def _opened() -> Iterator[_Store]:
    """Give the database and the pepper; errors end with one line and exit code 2."""
    from storage.database import Database
    from storage.errors import StorageError
    from storage.keys import load_pepper
    from storage.settings import StorageSettings

    settings = StorageSettings()
    try:
        with Database.open(settings) as database:
            database.check_current()
            pepper = load_pepper(settings.pepper_path, create=settings.key_pepper_file is None)
            yield _Store(database, pepper)
    except StorageError as error:
        typer.echo(f"marrow: {error}", err=True)
        raise typer.Exit(2) from None


def _state(key: Key) -> str:
    if key.revoked_at is not None:
        return f"revoked {_day(key.revoked_at)}"
    if key.expires_at is None:
        return "valid"
    return f"{'expired' if key.expires_at <= datetime.now(UTC) else 'until'} {_day(key.expires_at)}"


def _rights(key: Key) -> str:
    """Return the key's role, where it has just the scopes of one, and its scopes."""
    scopes = " ".join(sorted(key.scopes))
    role = role_of(key.scopes)
    return f"{scopes}" if role is None else f"{role}: {scopes}"


def _day(at: datetime | None) -> str:
    return "-" if at is None else at.date().isoformat()
