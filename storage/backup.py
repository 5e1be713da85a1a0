"""A backup of the embedded default, made while the service runs: one file of one moment.

The database is copied by SQLite's own online backup, which sees one state and disturbs nobody.
The files of audits are never changed, only added and removed, so links to those that the copy
names keep them until they are written; where one is gone already, database and links are taken
anew.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy.engine import make_url

from extractor import __version__
from storage import backup_file
from storage.audit_model import OPEN
from storage.backup_file import Facts, Manifest
from storage.errors import BackupError
from storage.files import LocalFiles, open_files
from storage.settings import PEPPER_FILE, SQLITE_FILE, TEXT_KEYS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.settings import StorageSettings

SECRETS = "secrets"
_TRIES = 10
"""How often audits may end and be swept while links to their files are made."""


def back_up(settings: StorageSettings, target: Path, *, with_secrets: bool = False) -> Manifest:
    """Write a backup of the data directory. Raises BackupError.

    The secrets (the key pepper, the text keys) are left out unless asked for: with them the API
    keys of the backup open as they did, and so do its texts.
    """
    database = _sqlite_path(settings)
    files = open_files(settings)
    if not isinstance(files, LocalFiles):
        raise BackupError(
            "the files of audits lie in an object store; see docs/how-to/backup.md for its way"
        )
    folder = files.scratch / f"backup-{uuid4().hex}"
    folder.mkdir(mode=0o700, parents=True)
    try:
        copy, links = folder / SQLITE_FILE, folder / "files"
        _copy_with_files(database, copy, files, links)
        _check(copy)
        facts = Facts(
            version=__version__,
            revision=_revision(copy),
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            has_secrets=with_secrets,
        )
        members = [(SQLITE_FILE, copy), *_listed(links)]
        if with_secrets:
            members += _secrets(settings)
        return backup_file.write(target, members, facts)
    except sqlite3.Error:
        raise BackupError("the database cannot be read, or stays locked; try again") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sqlite_path(settings: StorageSettings) -> Path:
    url = make_url(settings.url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise BackupError(
            "this backs up SQLite only; for PostgreSQL use pg_dump, see docs/how-to/backup.md"
        )
    path = Path(url.database)
    if not path.is_file():
        raise BackupError(f"there is no database in {path.parent}; name the MARROW_DATA_DIR")
    return path


def _copy_with_files(database: Path, copy: Path, files: LocalFiles, links: Path) -> None:
    """Copy the database, and link to all files that the copy names."""
    for _ in range(_TRIES):
        copy.unlink(missing_ok=True)
        _copy_database(database, copy)
        try:
            for name in _named_files(copy):
                _link_all(files, name, links)
        except FileNotFoundError:
            shutil.rmtree(links, ignore_errors=True)
            continue
        return
    raise BackupError("audits ended too fast to keep up with; try again")


def _copy_database(database: Path, copy: Path) -> None:
    copy.touch(mode=0o600)
    with (
        closing(sqlite3.connect(database, timeout=15)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        # All pages in one step: in several, a write between two of them begins it anew.
        source.backup(target, pages=-1)
        # One file, without a log beside it.
        target.execute("PRAGMA journal_mode = DELETE")


def _check(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as conn:
        [answer] = conn.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        raise BackupError("the database is damaged, so there is no backup of it; restore an older")


def _revision(copy: Path) -> str:
    with closing(sqlite3.connect(copy)) as conn:
        if not _has_table(conn, "alembic_version"):
            raise BackupError("the database holds nothing yet")
        return str(conn.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _named_files(copy: Path) -> list[str]:
    """Return the files and folders that audits still need."""
    with closing(sqlite3.connect(copy)) as conn:
        if not _has_table(conn, "audits"):
            return []
        states = [state.value for state in OPEN]
        marks = ", ".join("?" for _ in states)
        named = conn.execute(
            f"SELECT upload FROM audits WHERE state IN ({marks})"  # noqa: S608 (question marks)
            f" UNION SELECT plan_files FROM audits WHERE state IN ({marks})"
            " UNION SELECT output_files FROM audits WHERE state = 'done'"
            " UNION SELECT files FROM audit_shards JOIN audits ON audits.id = audit_shards.audit"
            f" WHERE state IN ({marks})",
            states * 3,
        )
        return sorted(row[0] for row in named if row[0] is not None)


def _has_table(conn: sqlite3.Connection, name: str) -> bool:
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return conn.execute(query, (name,)).fetchone() is not None


def _link_all(files: LocalFiles, name: str, links: Path) -> None:
    """Link to a file, or to all files of a folder. Raises FileNotFoundError."""
    source = files.path(name)
    if not source.is_dir():
        _link(source, links / name)
        return
    for path in sorted(source.rglob("*")):
        if path.is_file():
            _link(path, links / name / path.relative_to(source))


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)  # the file system knows no links


def _listed(links: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(links.rglob("*")):
        if path.is_file():
            yield path.relative_to(links).as_posix(), path


def _secrets(settings: StorageSettings) -> list[tuple[str, Path]]:
    secrets = {PEPPER_FILE: settings.pepper_path}
    if settings.text_key_file is not None:
        secrets[TEXT_KEYS_FILE] = settings.text_key_file
    missing = [str(path) for path in secrets.values() if not path.is_file()]
    if missing:
        raise BackupError(f"cannot read {missing[0]}, which --with-secrets asks for")
    return [(f"{SECRETS}/{name}", path) for name, path in secrets.items()]
