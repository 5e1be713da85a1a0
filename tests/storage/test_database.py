from __future__ import annotations

import stat
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from storage import database as database_module
from storage import reports, work
from storage.clock import UtcMillis, now
from storage.database import HEAD, Database
from storage.errors import DatabaseOutdatedError, DatabaseUnavailableError
from storage.identity import decode_text, encode_text
from storage.ids import new_id
from storage.model import Lane, NewReport, ReportFilters
from storage.settings import StorageSettings
from storage.tables import keys, metadata
from tests.services import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from storage.model import Accepted


def test_the_migrations_make_the_tables(database: Database) -> None:
    with database.read() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_head_is_the_newest_migration() -> None:
    scripts = ScriptDirectory.from_config(database_module._alembic_config())
    assert scripts.get_current_head() == HEAD


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    database.upgrade()
    database.check_current()


def test_upgrading_from_two_at_once_is_safe(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(2)]
    threads = [threading.Thread(target=each.upgrade) for each in databases[1:]]
    for thread in threads:
        thread.start()
    databases[0].upgrade()
    for thread in threads:
        thread.join(20)
    for each in databases:
        each.check_current()
        each.dispose()


def test_an_empty_database_is_outdated(database_url: str) -> None:
    database = Database(database_url)
    with pytest.raises(DatabaseOutdatedError, match="marrow db upgrade"):
        database.check_current()
    database.dispose()


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all.sqlite3", "postgresql://u:secret@127.0.0.1:1/marrow"]
)
def test_a_database_that_is_not_there_is_unavailable(url: str) -> None:
    database = Database(url)
    with pytest.raises(DatabaseUnavailableError) as caught:
        database.ping()
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
    database.dispose()


def test_a_failure_rolls_everything_back(database: Database) -> None:
    def accept_and_fail() -> None:
        with database.begin() as conn:
            reports.accept(conn, [NewReport(text="report")], lane=Lane.BULK)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        accept_and_fail()
    with database.read() as conn:
        assert reports.list_page(conn, ReportFilters()).reports == ()


def test_who_writes_all_the_time_lets_others_write_too(tmp_path: Path) -> None:
    """As the API under load, in whose sight workers could store next to nothing."""
    url = f"sqlite:///{tmp_path / 'marrow.sqlite3'}"
    busy, other = Database(url), Database(url)
    busy.upgrade()
    stop, written = threading.Event(), list[int]()

    def write(database: Database) -> None:
        with database.begin() as conn:
            reports.accept(conn, [NewReport(text="report")], lane=Lane.BULK)

    def keep_writing() -> None:
        while not stop.is_set():
            write(busy)
            written.append(1)

    threads = [threading.Thread(target=keep_writing) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: written, what="the writing")
        before = len(written)
        for _ in range(60):
            write(other)
        meanwhile = len(written) - before
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
    busy.dispose()
    other.dispose()
    # A few for each of its own; it was hundreds for a single one, while that one slept.
    assert meanwhile < 400


def test_reading_cannot_write_in_postgresql(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    database.upgrade()
    with pytest.raises(DBAPIError), database.read() as conn:
        reports.accept(conn, [NewReport(text="report")], lane=Lane.BULK)
    with database.begin() as conn:  # and the connection goes back as it came
        reports.accept(conn, [NewReport(text="report")], lane=Lane.BULK)
    database.dispose()


def test_one_reading_sees_one_state_whatever_is_written_meanwhile(database: Database) -> None:
    posted = [NewReport(text="Small effusion.")]
    with database.read() as conn:
        before = work.reconcile(conn)
        with database.begin() as other:
            reports.accept(other, posted, lane=Lane.BULK)
        assert work.reconcile(conn) == before
    with database.read() as conn:
        assert work.reconcile(conn).accepted == before.accepted + 1


def test_errors_do_not_hold_the_values(database: Database) -> None:
    values = {"id": "k", "name": "ZZPHI", "scopes": "", "secret_hmac": "", "created_at": now()}
    with database.begin() as conn:
        conn.execute(keys.insert().values(**values))
    with pytest.raises(IntegrityError) as caught, database.begin() as conn:
        conn.execute(keys.insert().values(**values))
    assert "ZZPHI" not in str(caught.value)


def test_sqlite_keeps_what_it_was_given_through_a_power_cut(sqlite_database: Database) -> None:
    with sqlite_database.read() as conn:
        pragmas = {
            name: conn.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    full = 2
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "busy_timeout": 15_000,
    }


def test_the_same_report_accepted_by_many_at_once_is_one(database: Database) -> None:
    answers: list[Accepted] = []

    def post() -> None:
        with database.begin() as conn:
            posted = [NewReport(text=f"report {n}", report_id=f"R{n % 5}") for n in range(20)]
            answers.extend(reports.accept(conn, posted, lane=Lane.BULK))

    threads = [threading.Thread(target=post) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    wait_until(lambda: len(answers) == 120, what="all answers")
    assert len({answer.id for answer in answers}) == 20
    assert sum(answer.is_new for answer in answers) == 20
    with database.read() as conn:
        stored = reports.list_page(conn, ReportFilters(), limit=100).reports
    assert sorted((one.report_id, one.version) for one in stored) == sorted(
        (f"R{series}", version) for series in range(5) for version in range(1, 5)
    )


def test_the_databases_clock_is_the_worlds(database: Database) -> None:
    with database.read() as conn:
        moment = conn.execute(select(now(offset_s=60).label("moment"))).scalar_one()
    assert abs(moment - datetime.now(UTC) - timedelta(seconds=60)) < timedelta(seconds=5)


@given(st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_times_survive_to_the_millisecond(moment: datetime) -> None:
    kind = UtcMillis()
    dialect = Database("sqlite://").engine.dialect
    back = kind.process_result_value(kind.process_bind_param(moment, dialect), dialect)
    assert back is not None
    assert timedelta(0) <= moment - back < timedelta(milliseconds=1)


@given(st.text(st.characters(codec=None)))
def test_any_text_survives(original: str) -> None:
    assert decode_text(encode_text(original)) == original


def test_ids_sort_by_the_time_they_were_made_and_never_repeat() -> None:
    ids = [new_id("rep") for _ in range(5_000)]
    assert ids == sorted(set(ids))
    assert {len(id_) for id_ in ids} == {30}


def test_the_data_directory_is_for_its_owner(tmp_path: Path) -> None:
    settings = StorageSettings(data_dir=tmp_path / "data")
    database = Database.open(settings)
    database.upgrade()
    database.dispose()
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700
    assert (settings.data_dir / "marrow.sqlite3").exists()


def test_the_address_of_the_database_is_not_shown() -> None:
    settings = StorageSettings(database_url="postgresql://u:secret@db/marrow")
    assert "secret" not in repr(settings)


def test_a_database_that_never_answers_is_waited_for_only_so_long(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailableError):
        Database(f"postgresql://nobody@/none?host={tmp_path}").wait(0.5)
    assert 0.5 <= time.monotonic() - started < 10
