"""A backup brought back into a data directory, where the service goes on from it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import case, select, update

from storage import access_log, backup_file, sessions, uploads, work
from storage.access_model import Action, Entry, Outcome
from storage.backup import SECRETS
from storage.database import Database
from storage.errors import BackupError
from storage.files import flush
from storage.in_use import LOCK_FILE, check_unopened, only_one
from storage.model import WorkState
from storage.settings import SQLITE_FILE
from storage.tables import audit_shards
from storage.tables import work as work_table

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from storage.backup_file import Manifest

_DRAFT = "restore-"
_IGNORED = frozenset({LOCK_FILE, "lost+found"})


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did."""

    manifest: Manifest
    waiting: int
    """Units of work that are to be done (again)."""
    set_aside: Path | None
    """Where what was there before lies now."""


def restore(
    backup: Path, data_dir: Path, *, replace: bool = False, caller: str | None = None
) -> Restored:
    """Check a backup and bring it back into a directory that is empty.

    ``caller``: who does it, for the access log that goes on from the one in the backup.

    With ``replace`` what is there is set aside first, within the directory. The tables are brought
    to what this version needs, and what was being worked on waits again. Raises BackupError,
    InUseError while a service runs there, DatabaseNewerError for the tables of a newer version.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with only_one(data_dir):
        check_unopened(data_dir)
        there = _content(data_dir)
        if there and not replace:
            raise BackupError(
                f"{data_dir} is not empty; choose another directory, or give --replace to set "
                "aside what is there"
            )
        draft = data_dir / f"{_DRAFT}{uuid4().hex}"
        draft.mkdir(mode=0o700)
        try:
            manifest = backup_file.unpack(backup, draft)
            waiting = _make_ready(draft, caller)
            set_aside = _set_aside(data_dir, there) if there else None
            _move_in(draft, data_dir)
        except OSError as error:
            raise BackupError(f"cannot write {data_dir}: {error.strerror}") from None
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return Restored(manifest=manifest, waiting=waiting, set_aside=set_aside)


def _content(data_dir: Path) -> list[Path]:
    for path in data_dir.glob(f"{_DRAFT}*"):
        shutil.rmtree(path, ignore_errors=True)  # of a restore that was killed: we hold the lock
    return sorted(path for path in data_dir.iterdir() if path.name not in _IGNORED)


def _make_ready(draft: Path, caller: str | None) -> int:
    """Upgrade the tables, and let go of all leases: who held them works elsewhere."""
    path = draft / SQLITE_FILE
    if not path.is_file():
        raise BackupError("the backup holds no database")
    with Database(f"sqlite:///{path.resolve()}") as database:
        database.upgrade()
        with database.begin() as conn:
            _release_all(conn)
            entry = Entry(Action.ADMINISTER, Outcome.DONE, caller=caller, route="marrow restore")
            access_log.append(conn, [entry])
            uploads.delete_waiting(conn)
            sessions.delete_all(conn)
        with database.read() as conn:
            waiting = work.open_units(conn)
    for beside in draft.glob(f"{SQLITE_FILE}-*"):
        if beside.stat().st_size:
            raise BackupError("the database could not be closed; try again")
        beside.unlink()
    flush(path)
    return waiting


def _release_all(conn: Connection) -> None:
    """Make all leased units pending, as if those attempts had never been, and all unrung."""
    leased = work_table.c.state == WorkState.LEASED
    held = select(work_table.c.id).where(leased)
    conn.execute(
        update(audit_shards).where(audit_shards.c.work_id.in_(held)).values(begun_row=None)
    )
    conn.execute(
        update(work_table)
        .where(leased)
        .values(
            state=WorkState.PENDING,
            attempts=case((work_table.c.attempts > 0, work_table.c.attempts - 1), else_=0),
            lease_token=None,
            lease_until=None,
            holder=None,
        )
    )
    pending = work_table.c.state == WorkState.PENDING
    conn.execute(update(work_table).where(pending).values(rung_at=None))


def _set_aside(data_dir: Path, there: list[Path]) -> Path:
    """Move what is there into a folder beside it: nothing is lost by a restore."""
    aside = data_dir / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    aside.mkdir(mode=0o700)
    for path in there:
        path.rename(aside / path.name)
    return aside


def _move_in(draft: Path, data_dir: Path) -> None:
    """Move everything to its place, the database last: without it nothing is begun."""
    secrets = draft / SECRETS
    if secrets.is_dir():
        for path in secrets.iterdir():
            path.rename(data_dir / path.name)
        secrets.rmdir()
    for path in sorted(draft.iterdir(), key=lambda path: path.name == SQLITE_FILE):
        path.rename(data_dir / path.name)
    flush(data_dir)
