"""The access log only grows, in one chain, and whatever is done to it is found."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from storage import access_log
from storage.access_check import check
from storage.access_model import GENESIS, Action, Entry, Head, Outcome, Question
from storage.access_queries import Filters, Hours, list_page
from storage.clock import now
from storage.database import Database
from storage.tables import access_log as log_table
from storage.tables import access_log_head

if TYPE_CHECKING:
    from storage.access_check import Check
    from storage.access_model import Logged

DAY_S = 24 * 3_600


def entry(number: int = 0, *, action: Action = Action.READ, ago_s: float = 0) -> Entry:
    made = Entry(
        action,
        Outcome.DONE,
        caller=f"key:{number:08d}",
        peer="10.0.0.7",
        method="GET",
        route="/v1/reports/{id}",
        target="rep_00000000000000000000000001",
        status=200,
        request="00000000-0000-4000-8000-000000000000",
    )
    object.__setattr__(made, "happened_s", made.happened_s - ago_s)
    return made


def append(database: Database, *entries: Entry) -> Head:
    with database.begin() as conn:
        return access_log.append(conn, entries)


def fill(database: Database, count: int = 10) -> Head:
    return append(database, *(entry(number) for number in range(count)))


def checked(database: Database, *known: Head) -> Check:
    with database.read() as conn:
        return check(conn, known)


def entries(database: Database, filters: Filters | None = None) -> list[Logged]:
    with database.read() as conn:
        return list(list_page(conn, filters or Filters()).entries)


def without_triggers(database: Database) -> None:
    """Do what only the owner of the tables can do."""
    if database.is_sqlite:
        with database.begin() as conn:
            names = conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
            for name in names.scalars().all():
                conn.execute(text(f"DROP TRIGGER {name}"))
        return
    with database.begin() as conn:
        for table in ("access_log", "access_log_head"):
            conn.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))


def test_an_empty_log_is_whole(database: Database) -> None:
    found = checked(database, Head(0, GENESIS))
    assert found.is_whole
    assert (found.entries, found.head) == (0, Head(0, GENESIS))


def test_what_is_appended_stands_there_in_order_and_is_whole(database: Database) -> None:
    fill(database, 3)
    head = append(database, entry(7))
    found = checked(database, head)
    assert found.is_whole
    assert (found.entries, found.first, found.head) == (4, 1, head)
    assert [one.seq for one in entries(database)] == [4, 3, 2, 1]
    assert entries(database)[0].entry == entry(7)


def test_an_entry_has_the_time_of_what_it_tells_of_by_the_clock_of_the_database(
    database: Database,
) -> None:
    append(database, entry(ago_s=90))
    [one] = entries(database)
    assert abs(datetime.now(UTC) - timedelta(seconds=90) - one.at) < timedelta(seconds=20)


def test_writers_at_once_make_one_chain(database_url: str) -> None:
    with Database(database_url) as database:
        database.upgrade()
        failures: list[Exception] = []

        def write(number: int) -> None:
            try:
                with Database(database_url) as own:
                    for _ in range(10):
                        append(own, entry(number), entry(number))
            except Exception as error:  # noqa: BLE001 - told below
                failures.append(error)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert failures == []
        found = checked(database)
        assert found.is_whole
        assert found.entries == 4 * 10 * 2


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE access_log SET caller = 'key:another'",
        "UPDATE access_log SET hash = '0'",
        "DELETE FROM access_log",
        "DELETE FROM access_log WHERE seq = 10",
        "UPDATE access_log_head SET seq = 3",
        "UPDATE access_log_head SET start_seq = 11",
        "DELETE FROM access_log_head",
        "INSERT INTO access_log_head VALUES (1, 0, '0', 0, '0')",
        "INSERT INTO access_log (seq, at, action, outcome, times, hash) VALUES (4, 1, 'a', 'b', 1, '0')",
        # To say that the beginning is gone does not make young entries go.
        "UPDATE access_log_head SET start_seq = 9; DELETE FROM access_log WHERE seq < 9",
    ],
)
def test_the_database_refuses_to_change_the_log(database: Database, change: str) -> None:
    head = fill(database)

    def apply() -> None:
        with database.begin() as conn:
            for statement in change.split(";"):
                conn.execute(text(statement))

    with pytest.raises(DBAPIError):
        apply()
    assert checked(database, head).is_whole


def test_sqlite_refuses_to_replace_an_entry(sqlite_database: Database) -> None:
    fill(sqlite_database)
    values = "(5, 1, 'read', 'done', 1, '0')"
    query = text(
        f"INSERT OR REPLACE INTO access_log (seq, at, action, outcome, times, hash) VALUES {values}"  # noqa: S608 - ours
    )
    with pytest.raises(DBAPIError, match="append-only"), sqlite_database.begin() as conn:
        conn.execute(query)
    assert checked(sqlite_database).is_whole


def test_postgresql_refuses_to_empty_the_log(postgresql_url: str) -> None:
    with Database(postgresql_url) as database:
        database.upgrade()
        fill(database)
        with pytest.raises(DBAPIError, match="append-only"), database.begin() as conn:
            conn.execute(text("TRUNCATE access_log"))
        assert checked(database).entries == 10


@pytest.mark.parametrize("column", [c.name for c in log_table.c if c.name not in {"seq", "hash"}])
def test_an_edit_of_any_column_is_found(sqlite_database: Database, column: str) -> None:
    fill(sqlite_database)
    without_triggers(sqlite_database)
    value = 7 if column in {"items", "status", "times"} else "x"
    changed = now() if column == "at" else value
    with sqlite_database.begin() as conn:
        conn.execute(update(log_table).where(log_table.c.seq == 4).values({column: changed}))
    assert checked(sqlite_database).faults == ("edited: entry 4 is not as it was written",)


def test_gaps_and_cut_ends_are_found(database: Database) -> None:
    fill(database)
    without_triggers(database)
    with database.begin() as conn:
        conn.execute(delete(log_table).where(log_table.c.seq.in_([1, 4, 5, 9, 10])))
    assert checked(database).faults == (
        "gap: entry 1 is missing",
        "gap: entries 4 to 5 are missing",
        "cut: entries 9 to 10 are missing at the end",
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.integers(1, 10), second=st.integers(1, 10))
def test_two_entries_that_change_places_are_found(
    sqlite_database: Database, first: int, second: int
) -> None:
    if checked(sqlite_database).entries == 0:
        fill(sqlite_database)
        without_triggers(sqlite_database)
    spare = 1_000
    swaps = ((first, spare), (second, first), (spare, second))
    with sqlite_database.begin() as conn:
        for one, other in swaps:
            conn.execute(update(log_table).where(log_table.c.seq == one).values(seq=other))
    assert checked(sqlite_database).is_whole == (first == second)
    with sqlite_database.begin() as conn:
        for one, other in swaps:
            conn.execute(update(log_table).where(log_table.c.seq == one).values(seq=other))


def test_a_tail_that_is_cut_with_its_head_is_found_by_a_head_that_was_kept(
    database: Database,
) -> None:
    fill(database, 6)
    kept = fill(database, 4)
    without_triggers(database)
    with database.begin() as conn:
        conn.execute(delete(log_table).where(log_table.c.seq > 6))
        digest = conn.execute(select(log_table.c.hash).where(log_table.c.seq == 6)).scalar()
        conn.execute(update(access_log_head).values(seq=6, hash=digest))
    assert checked(database).is_whole, "who owns the tables can do this"
    assert checked(database, kept).faults == (
        "cut: the log ends at entry 6, and a head of entry 10 was kept",
    )


def test_a_chain_that_is_computed_anew_is_found_by_a_head_that_was_kept(
    database: Database,
) -> None:
    kept = fill(database)
    without_triggers(database)
    with database.begin() as conn:
        conn.execute(delete(log_table))
        conn.execute(update(access_log_head).values(seq=0, hash=GENESIS))
    append(database, *(entry(1) for _ in range(12)))
    assert checked(database).is_whole, "who owns the tables can do this"
    assert checked(database, kept).faults == (
        "rewritten: entry 10 is not the one whose head was kept",
    )


class TestRetention:
    """Only the beginning goes, only by age, and the rest can still be verified."""

    def test_old_entries_go_and_the_rest_is_whole(self, database: Database) -> None:
        old = append(database, *(entry(ago_s=100 * DAY_S) for _ in range(3)))
        kept = append(database, entry(ago_s=50 * DAY_S), entry())
        assert access_log.prune(database, days=90, caller="dispatcher") == 3
        assert access_log.prune(database, days=90, caller="dispatcher") == 0
        found = checked(database, old, kept)
        assert found.is_whole
        assert (found.first, found.entries, found.heads_matched) == (4, 3, 2)
        said = entries(database)[0].entry
        assert (said.action, said.target, said.items) == (Action.ADMINISTER, "1-3", 3)

    def test_a_month_is_kept_whatever_is_asked_for(self, database: Database) -> None:
        append(database, entry(ago_s=29 * DAY_S), entry(ago_s=1))
        assert access_log.prune(database, days=1, caller="dispatcher") == 0

    def test_an_old_entry_behind_a_young_one_stays(self, database: Database) -> None:
        append(database, entry(), entry(ago_s=100 * DAY_S))
        assert access_log.prune(database, days=90, caller="dispatcher") == 0

    def test_a_head_of_a_deleted_entry_is_counted_and_not_missed(self, database: Database) -> None:
        gone = append(database, entry(ago_s=100 * DAY_S))
        append(database, entry(ago_s=100 * DAY_S))
        access_log.prune(database, days=90, caller="dispatcher")
        found = checked(database, gone)
        assert (found.is_whole, found.heads_matched, found.heads_before) == (True, 0, 1)

    def test_entries_taken_from_behind_the_beginning_are_found(self, database: Database) -> None:
        append(database, *(entry(ago_s=100 * DAY_S) for _ in range(3)), entry())
        access_log.prune(database, days=90, caller="dispatcher")
        without_triggers(database)
        with database.begin() as conn:
            conn.execute(delete(log_table).where(log_table.c.seq == 4))
        assert checked(database).faults == ("gap: entry 4 is missing",)


class TestQuestions:
    """What is asked often, newest first."""

    def test_exports_are_texts_and_files_that_were_given_out(self, database: Database) -> None:
        for action in Action:
            append(database, entry(action=action))
        append(database, Entry(Action.EXPORT, Outcome.REFUSED))
        found = entries(database, Filters(Question.EXPORTS))
        assert {one.entry.action for one in found} == {Action.EXPORT, Action.READ_TEXT}
        assert {one.entry.outcome for one in found} == {Outcome.DONE}

    def test_failed_sign_ins_are_told_from_good_ones(self, database: Database) -> None:
        append(
            database, Entry(Action.SIGN_IN, Outcome.DONE), Entry(Action.SIGN_IN, Outcome.REFUSED)
        )
        append(database, Entry(Action.READ, Outcome.REFUSED))
        assert [one.seq for one in entries(database, Filters(Question.FAILED_SIGN_INS))] == [2]
        assert [one.seq for one in entries(database, Filters(Question.REFUSED))] == [3, 2]

    @pytest.mark.parametrize(
        ("at", "is_over"),
        [
            ("2026-11-25T18:59:59+01:00", False),
            ("2026-11-25T19:00:00+01:00", True),
            ("2026-11-25T06:59:59+01:00", True),
            ("2026-11-28T12:00:00+01:00", True),
            ("2026-11-25T18:30:00+00:00", True),
            # In summer it is two hours.
            ("2026-07-01T17:30:00+00:00", True),
        ],
    )
    def test_working_hours_are_those_of_a_place(self, at: str, *, is_over: bool) -> None:
        from zoneinfo import ZoneInfo

        hours = Hours(zone=ZoneInfo("Europe/Berlin"))
        assert hours.are_over(datetime.fromisoformat(at)) is is_over

    def test_after_hours_pages_go_on_where_they_stopped(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from storage import access_queries

        append(database, *(entry(ago_s=number * 3_600) for number in range(7 * 24)))
        filters = Filters(Question.AFTER_HOURS)
        wanted = [one.seq for one in entries(database) if filters.hours.are_over(one.at)]
        monkeypatch.setattr(access_queries, "LOOKED_AT", 4)
        found: list[int] = []
        before: int | None = None
        for _ in range(100):
            with database.read() as conn:
                page = list_page(conn, filters, before=before, limit=3)
            found += [one.seq for one in page.entries]
            before = page.next_before
            if before is None:
                break
        assert found == wanted
        assert 80 < len(found) < 7 * 24

    def test_time_caller_and_target_narrow_it(self, database: Database) -> None:
        append(database, entry(1, ago_s=3_600), entry(2), Entry(Action.READ, Outcome.DONE))
        since = datetime.now(UTC) - timedelta(minutes=30)
        assert [one.seq for one in entries(database, Filters(since=since))] == [3, 2]
        assert [one.seq for one in entries(database, Filters(until=since))] == [1]
        assert [one.seq for one in entries(database, Filters(caller="key:00000002"))] == [2]
        target = "rep_00000000000000000000000001"
        assert [one.seq for one in entries(database, Filters(target=target))] == [2, 1]


@pytest.mark.parametrize("written", ["", "7", "x:" + GENESIS, "7:abc", "-1:" + GENESIS])
def test_what_is_no_head_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="not a head"):
        Head.read(written)
    assert Head.read(str(Head(7, GENESIS))) == Head(7, GENESIS)


def test_an_entry_cannot_be_put_before_the_others(database: Database) -> None:
    fill(database)
    values = {"seq": 10, "at": now(), "action": "read", "outcome": "done", "times": 1, "hash": "0"}
    with pytest.raises(DBAPIError), database.begin() as conn:
        conn.execute(insert(log_table).values(values))
