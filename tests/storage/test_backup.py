"""A backup is whole or it is none, and what it is brought back to goes on where it was."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
import tarfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from storage import audits, backup_file, reports, steps, work
from storage.audit_model import NewAudit
from storage.backup import back_up
from storage.backup_file import Facts
from storage.database import HEAD, Database
from storage.errors import BackupError, DatabaseNewerError, InUseError
from storage.files import AUDITS, open_files
from storage.ids import new_id
from storage.in_use import only_one
from storage.keys import load_pepper
from storage.model import Lane, NewReport, ReportFilters, ReportState
from storage.outcomes import Outcome
from storage.restore import restore
from storage.settings import StorageSettings
from tests.results import make_mention, make_result
from tests.services import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.model import Accepted

ROOT = Path(__file__).parents[2]
FACTS = Facts(version="0", revision=HEAD, made_at="2026-11-26T00:00:00+00:00", has_secrets=False)


@pytest.fixture
def settings(tmp_path: Path) -> StorageSettings:
    return StorageSettings(data_dir=tmp_path / "data", database_url=None)


@pytest.fixture
def database(settings: StorageSettings) -> Iterator[Database]:
    with Database.open(settings) as opened:
        opened.upgrade()
        load_pepper(settings.pepper_path, create=True)
        yield opened


def accept(database: Database, *texts: str) -> list[Accepted]:
    with database.begin() as conn:
        return reports.accept(conn, [NewReport(text=text) for text in texts], lane=Lane.BULK)


def read_one_and_lease_another(database: Database) -> tuple[Accepted, Accepted, Accepted]:
    """Give a report that is done, one that somebody works on, and one that waits."""
    [done], [leased], [waiting] = (accept(database, text) for text in ("one", "two", "three"))
    with database.begin() as conn:
        held = work.claim(conn, done.work_id or 0, lease_s=60)
        assert held is not None
        work.finish(conn, held, [Outcome.done(done.id, make_result(make_mention()))])
        assert work.claim(conn, leased.work_id or 0, lease_s=3_600, holder="me") is not None
    return done, leased, waiting


def audit_with_files(database: Database, settings: StorageSettings, tmp_path: Path) -> str:
    """Make an audit whose plan stands, with its upload and its plan in the store."""
    files, id_ = open_files(settings), new_id("aud")
    for name in ("input", "plan-1/shards/0"):
        path = tmp_path / "draft"
        path.write_text(f"content of {name}")
        files.put(path, f"{AUDITS}/{id_}/{name}")
    with database.begin() as conn:
        audits.create(conn, NewAudit(id_, "a.csv", upload=f"{AUDITS}/{id_}/input"))
        [unit] = [u.work_id for u in work.ring_due(conn, older_than_s=-1, limit=9) if u.work_id]
        held = work.claim(conn, unit, lease_s=60)
        assert held is not None
        steps.begin_plan(conn, held)
    (tmp_path / "orphan").write_text("named by no row")
    files.put(tmp_path / "orphan", f"{AUDITS}/{new_id('aud')}/input")
    return id_


def test_what_was_done_waited_and_was_worked_on_is_there_again(
    database: Database, settings: StorageSettings, tmp_path: Path
) -> None:
    done, leased, waiting = read_one_and_lease_another(database)
    back_up(settings, tmp_path / "b.tar")
    restored = restore(tmp_path / "b.tar", tmp_path / "new")
    assert restored.waiting == 2
    with Database.open(StorageSettings(data_dir=tmp_path / "new")) as again, again.begin() as conn:
        states = {one.id: one.state for one in reports.list_page(conn, ReportFilters()).reports}
        assert states == {
            done.id: ReportState.DONE,
            leased.id: ReportState.QUEUED,
            waiting.id: ReportState.QUEUED,
        }
        assert work.reconcile(conn).balanced
        stored = reports.get(conn, done.id, include_text=True)
        assert stored is not None
        assert (stored.text, stored.result is not None) == ("one", True)
        # Both can be taken at once, and the lost attempt is not held against the unit.
        assert {unit.work_id for unit in work.ring_due(conn, older_than_s=60, limit=9)} == {
            leased.work_id,
            waiting.work_id,
        }
        held = work.claim(conn, leased.work_id or 0, lease_s=60)
        assert held is not None
        assert held.attempts == 1


def test_the_files_that_audits_need_come_along_and_no_others(
    database: Database, settings: StorageSettings, tmp_path: Path
) -> None:
    id_ = audit_with_files(database, settings, tmp_path)
    manifest = back_up(settings, tmp_path / "b.tar")
    assert [entry.name for entry in manifest.entries] == [
        "marrow.sqlite3",
        f"{AUDITS}/{id_}/input",
    ]
    restore(tmp_path / "b.tar", tmp_path / "new")
    files = open_files(StorageSettings(data_dir=tmp_path / "new"))
    with files.open(f"{AUDITS}/{id_}/input") as file:
        assert file.read() == b"content of input"
    assert not list((settings.data_dir / "scratch").iterdir())


def test_a_named_file_that_is_missing_fails_the_backup(
    database: Database, settings: StorageSettings, tmp_path: Path
) -> None:
    id_ = audit_with_files(database, settings, tmp_path)
    open_files(settings).remove(f"{AUDITS}/{id_}/input")
    with pytest.raises(BackupError):
        back_up(settings, tmp_path / "b.tar")
    assert not list(tmp_path.glob("b.tar*"))


def test_secrets_come_along_only_where_asked_for(
    database: Database, settings: StorageSettings, tmp_path: Path
) -> None:
    accept(database, "one")
    pepper = settings.pepper_path.read_bytes()
    back_up(settings, tmp_path / "without.tar")
    assert pepper not in (tmp_path / "without.tar").read_bytes()
    back_up(settings, tmp_path / "with.tar", with_secrets=True)
    restore(tmp_path / "with.tar", tmp_path / "new")
    assert (tmp_path / "new" / "key-pepper").read_bytes() == pepper
    assert stat.S_IMODE((tmp_path / "new" / "key-pepper").stat().st_mode) == 0o600


def test_a_backup_is_for_its_owner_and_overwrites_nothing(
    database: Database, settings: StorageSettings, tmp_path: Path
) -> None:
    accept(database, "one")
    back_up(settings, tmp_path / "b.tar")
    assert stat.S_IMODE((tmp_path / "b.tar").stat().st_mode) == 0o600
    before = (tmp_path / "b.tar").read_bytes()
    with pytest.raises(BackupError, match="there already"):
        back_up(settings, tmp_path / "b.tar")
    assert (tmp_path / "b.tar").read_bytes() == before


def test_a_backup_cut_short_anywhere_is_none(
    database: Database, settings: StorageSettings, tmp_path: Path
) -> None:
    accept(database, "one")
    back_up(settings, tmp_path / "b.tar")
    whole = (tmp_path / "b.tar").read_bytes()
    cut = tmp_path / "cut.tar"
    manifest_at = whole.index(b'"entries"')
    for length in (0, 1, 512, 5_000, len(whole) // 2 // 512 * 512, manifest_at - 600, manifest_at):
        cut.write_bytes(whole[:length])
        with pytest.raises(BackupError, match="not a whole backup"):
            backup_file.unpack(cut)
        with pytest.raises(BackupError):
            restore(cut, tmp_path / "new")
        assert [path.name for path in (tmp_path / "new").iterdir()] == ["serve.lock"]


def test_one_changed_byte_is_found(
    database: Database, settings: StorageSettings, tmp_path: Path
) -> None:
    accept(database, "one")
    back_up(settings, tmp_path / "b.tar")
    changed = bytearray((tmp_path / "b.tar").read_bytes())
    changed[9_000] ^= 1
    (tmp_path / "b.tar").write_bytes(changed)
    with pytest.raises(BackupError, match="not a whole backup"):
        backup_file.unpack(tmp_path / "b.tar")


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "x").write_bytes(b"x")
    backup_file.write(tmp_path / "b.tar", [(name, tmp_path / "x")], FACTS)
    with pytest.raises(BackupError):
        backup_file.unpack(tmp_path / "b.tar", tmp_path / "folder" / "new")
    assert not list(tmp_path.rglob("outside"))


def test_a_link_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        link = tarfile.TarInfo("marrow.sqlite3")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo("manifest.json"), io.BytesIO())
    with pytest.raises(BackupError):
        backup_file.unpack(tmp_path / "b.tar", tmp_path / "new")


_KILLED = """
import sys
from pathlib import Path
from storage import backup_file
from storage.backup_file import Facts
def files():
    yield "marrow.sqlite3", Path(sys.argv[2])
    print("written", flush=True)
    sys.stdin.read()
backup_file.write(Path(sys.argv[1]), files(), Facts("0", "0001", "now", False))
"""


def test_a_backup_that_was_killed_leaves_nothing_that_is_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x" * 100_000)
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(tmp_path / "b.tar"), str(tmp_path / "x")],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"written\n"
    process.kill()
    process.communicate()
    assert not (tmp_path / "b.tar").exists()
    [draft] = tmp_path.glob("b.tar.*.part")
    with pytest.raises(BackupError):
        backup_file.unpack(draft)


def test_a_directory_with_something_in_it_is_kept_unless_asked(
    database: Database, settings: StorageSettings, tmp_path: Path
) -> None:
    accept(database, "one")
    back_up(settings, tmp_path / "b.tar")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine").write_text("mine")
    with pytest.raises(BackupError, match="--replace"):
        restore(tmp_path / "b.tar", tmp_path / "new")
    assert (tmp_path / "new" / "mine").read_text() == "mine"
    restored = restore(tmp_path / "b.tar", tmp_path / "new", replace=True)
    assert restored.set_aside is not None
    assert (restored.set_aside / "mine").read_text() == "mine"
    assert (tmp_path / "new" / "marrow.sqlite3").is_file()


def test_a_broken_backup_leaves_what_was_there(
    database: Database, settings: StorageSettings, tmp_path: Path
) -> None:
    accept(database, "one")
    (tmp_path / "b.tar").write_bytes(b"no backup")
    database.dispose()
    with pytest.raises(BackupError):
        restore(tmp_path / "b.tar", settings.data_dir, replace=True)
    with database.read() as conn:
        assert len(reports.list_page(conn, ReportFilters()).reports) == 1


def test_a_directory_that_a_service_uses_is_refused(
    database: Database, settings: StorageSettings, tmp_path: Path
) -> None:
    accept(database, "one")
    back_up(settings, tmp_path / "b.tar")
    with database.read(), pytest.raises(InUseError):
        restore(tmp_path / "b.tar", settings.data_dir, replace=True)
    database.dispose()
    with only_one(settings.data_dir), pytest.raises(InUseError, match="stop it"):
        restore(tmp_path / "b.tar", settings.data_dir, replace=True)
    restore(tmp_path / "b.tar", settings.data_dir, replace=True)


def test_the_tables_of_an_older_version_are_upgraded(
    database: Database, settings: StorageSettings, tmp_path: Path
) -> None:
    [one] = accept(database, "one")
    database.downgrade("0001")
    assert back_up(settings, tmp_path / "b.tar").facts.revision == "0001"
    restore(tmp_path / "b.tar", tmp_path / "new")
    with Database.open(StorageSettings(data_dir=tmp_path / "new")) as again:
        again.check_current()
        with again.read() as conn:
            assert reports.state(conn, one.id) is ReportState.QUEUED


def test_the_tables_of_a_newer_version_are_refused(
    database: Database, settings: StorageSettings, tmp_path: Path
) -> None:
    with database.begin() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    back_up(settings, tmp_path / "b.tar")
    with pytest.raises(DatabaseNewerError, match="install the newer Marrow"):
        restore(tmp_path / "b.tar", tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["serve.lock"]


def test_a_database_that_is_no_sqlite_file_is_not_backed_up(tmp_path: Path) -> None:
    settings = StorageSettings(data_dir=tmp_path, database_url="postgresql://u:secret@db/marrow")
    with pytest.raises(BackupError, match="pg_dump") as caught:
        back_up(settings, tmp_path / "b.tar")
    assert "secret" not in str(caught.value)


def test_a_writer_is_not_held_up_by_a_backup(
    database: Database, settings: StorageSettings, tmp_path: Path
) -> None:
    accept(database, *(f"report {number}" * 200 for number in range(300)))
    writing = subprocess.Popen(
        [sys.executable, "-c", _WRITES, str(settings.data_dir)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert writing.stdout is not None
    assert writing.stdout.readline() == b"writes\n"
    for number in range(3):
        back_up(settings, tmp_path / f"{number}.tar")
        wait_until(partial(has_more_than, units(database), database), what="a write afterwards")
    assert writing.poll() is None
    writing.communicate(b"")
    restore(tmp_path / "2.tar", tmp_path / "new")
    with Database.open(StorageSettings(data_dir=tmp_path / "new")) as again, again.read() as conn:
        assert work.reconcile(conn).balanced
        assert work.open_units(conn) > 3


def units(database: Database) -> int:
    with database.read() as conn:
        return work.open_units(conn)


def has_more_than(before: int, database: Database) -> bool:
    return units(database) > before


_WRITES = """
import select, sys
from storage import reports
from storage.database import Database
from storage.model import Lane, NewReport
from storage.settings import StorageSettings
number = 0
with Database.open(StorageSettings(data_dir=sys.argv[1])) as database:
    while not select.select([sys.stdin], [], [], 0)[0]:
        with database.begin() as conn:
            reports.accept(conn, [NewReport(text=f"written {number}")], lane=Lane.BULK)
        number += 1
        if number == 1:
            print("writes", flush=True)
"""


def test_leases_are_gone_in_the_restored_database_only(
    database: Database, settings: StorageSettings, tmp_path: Path
) -> None:
    _, leased, _ = read_one_and_lease_another(database)
    back_up(settings, tmp_path / "b.tar")
    restore(tmp_path / "b.tar", tmp_path / "new")
    with database.read() as conn:
        assert [lease.work_id for lease in work.leases(conn)] == [leased.work_id]
    with Database.open(StorageSettings(data_dir=tmp_path / "new")) as again, again.read() as conn:
        assert work.leases(conn) == []
