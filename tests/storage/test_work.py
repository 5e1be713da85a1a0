from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from storage import reports, work
from storage.clock import now
from storage.errors import FencedError
from storage.model import Lane, NewReport, ReportFilters, ReportState, WorkState
from storage.outcomes import Outcome
from storage.tables import work as work_table
from tests.results import make_mention, make_result

if TYPE_CHECKING:
    from storage.database import Database
    from storage.model import Accepted, Claim, DueUnit, StoredReport


def accept(database: Database, count: int = 1, *, lane: Lane = Lane.BULK) -> list[Accepted]:
    with database.begin() as conn:
        posted = [NewReport(text=f"report {number}") for number in range(count)]
        return reports.accept(conn, posted, lane=lane)


def unit_of(accepted: Accepted) -> int:
    assert accepted.work_id is not None
    return accepted.work_id


def claim(database: Database, work_id: int, *, lease_s: float = 60) -> Claim | None:
    with database.begin() as conn:
        return work.claim(conn, work_id, lease_s=lease_s, holder="me")


def done(accepted: Accepted) -> Outcome:
    return Outcome.done(accepted.id, make_result(make_mention()))


def everything(database: Database) -> list[StoredReport]:
    with database.read() as conn:
        return list(reports.list_page(conn, ReportFilters(), limit=1_000).reports)


def reclaim(database: Database) -> int:
    with database.begin() as conn:
        return work.reclaim_expired(conn)


def due(database: Database, *, older_than_s: float = -1) -> list[DueUnit]:
    with database.read() as conn:
        return work.ring_due(conn, older_than_s=older_than_s, limit=100)


def lose(database: Database, work_id: int, *, times: int) -> None:
    """Let workers take a unit and never come back."""
    for _ in range(times):
        assert claim(database, work_id, lease_s=-1) is not None
        assert reclaim(database) == 1


def test_only_one_gets_a_unit(database: Database) -> None:
    [accepted] = accept(database)
    first = claim(database, unit_of(accepted))
    assert first is not None
    assert first.attempts == 1
    assert claim(database, unit_of(accepted)) is None


def test_nobody_gets_a_unit_that_does_not_exist(database: Database) -> None:
    assert claim(database, 12345) is None


def test_finishing_writes_each_result_once(database: Database) -> None:
    accepted = accept(database, 3)
    held = claim(database, unit_of(accepted[0]))
    assert held is not None
    with database.begin() as conn:
        assert work.finish(conn, held, [done(one) for one in accepted])
    with pytest.raises(FencedError), database.begin() as conn:
        work.finish(conn, held, [done(one) for one in accepted])
    assert {report.state for report in everything(database)} == {ReportState.DONE}
    with database.read() as conn:
        sums = work.reconcile(conn)
    assert sums.balanced
    assert (sums.accepted, sums.done, sums.open) == (3, 3, 0)


def test_a_lease_that_was_lost_writes_nothing(database: Database) -> None:
    [accepted] = accept(database)
    late = claim(database, unit_of(accepted), lease_s=-1)
    assert late is not None
    assert reclaim(database) == 1
    newer = claim(database, unit_of(accepted))
    assert newer is not None
    with pytest.raises(FencedError), database.begin() as conn:
        work.finish(conn, late, [Outcome.failed(accepted.id, "timeout")])
    assert everything(database)[0].state is ReportState.QUEUED
    with database.begin() as conn:
        work.finish(conn, newer, [done(accepted)])
    assert everything(database)[0].state is ReportState.DONE


def test_a_lease_still_running_is_not_reclaimed(database: Database) -> None:
    [accepted] = accept(database)
    claim(database, unit_of(accepted))
    assert reclaim(database) == 0
    with database.read() as conn:
        assert not work.expired(conn)


def test_what_is_left_when_the_time_is_up_waits_again(database: Database) -> None:
    accepted = accept(database, 3)
    held = claim(database, unit_of(accepted[0]))
    assert held is not None
    with database.begin() as conn:
        assert not work.finish(conn, held, [done(accepted[0])])
        assert [report.id for report in reports.load_texts(conn, held.work_id)] == [
            accepted[1].id,
            accepted[2].id,
        ]
    again = claim(database, held.work_id)
    assert again is not None
    assert again.attempts == 1


def test_a_unit_given_back_can_be_taken_again(database: Database) -> None:
    [accepted] = accept(database)
    held = claim(database, unit_of(accepted))
    assert held is not None
    with database.begin() as conn:
        work.release(conn, held)
    again = claim(database, unit_of(accepted))
    assert again is not None
    assert again.attempts == 2


def test_the_lease_of_a_dead_process_ends_at_once_and_only_that(database: Database) -> None:
    [accepted] = accept(database)
    claim(database, unit_of(accepted))
    with database.read() as conn:
        [lease] = work.leases(conn)
    assert lease.holder == "me"
    with database.begin() as conn:
        assert work.expire(conn, [lease]) == 1
    claim(database, unit_of(accepted))
    with database.begin() as conn:
        assert work.expire(conn, [lease]) == 0


def test_interactive_units_are_rung_for_first_and_then_the_longest_unrung(
    database: Database,
) -> None:
    [bulk] = accept(database)
    with database.begin() as conn:
        [quick] = reports.accept(conn, [NewReport(text="quick")], lane=Lane.INTERACTIVE)
    assert [unit.work_id for unit in due(database)] == [quick.work_id, bulk.work_id]
    assert due(database, older_than_s=60) == []
    with database.begin() as conn:
        [later] = reports.accept(conn, [NewReport(text="later")], lane=Lane.BULK)
        old = update(work_table).where(work_table.c.id == later.work_id)
        conn.execute(old.values(rung_at=now(offset_s=-100)))
    assert [unit.work_id for unit in due(database, older_than_s=60)] == [later.work_id]
    with database.begin() as conn:
        work.mark_rung(conn, [unit_of(later)])
    assert due(database, older_than_s=60) == []


def test_a_unit_that_keeps_failing_is_split_until_the_one_report_stands_alone(
    database: Database,
) -> None:
    accepted = accept(database, 25)
    poison = accepted[13].id
    for _ in range(3):
        with database.read() as conn:
            holding = reports.get(conn, poison)
        assert holding is not None
        if holding.state is ReportState.FAILED:
            break
        assert holding.work_id is not None
        lose(database, holding.work_id, times=work.MAX_ATTEMPTS)
        with database.read() as conn:
            assert work.worn_out(conn) == [holding.work_id]
        with database.begin() as conn:
            work.split_or_quarantine(conn, holding.work_id)
    failed = [report for report in everything(database) if report.state is ReportState.FAILED]
    assert [(report.id, report.error_code) for report in failed] == [(poison, "worker_lost")]
    with database.read() as conn:
        sums = work.reconcile(conn)
    assert sums.balanced
    assert (sums.failed, sums.open) == (1, 24)


def test_a_unit_that_did_not_fail_enough_is_not_split(database: Database) -> None:
    [accepted] = accept(database)
    lose(database, unit_of(accepted), times=work.MAX_ATTEMPTS - 1)
    with database.begin() as conn:
        assert work.split_or_quarantine(conn, unit_of(accepted)) is None


def test_two_dispatchers_split_a_unit_once(database: Database) -> None:
    accepted = accept(database, 2)
    lose(database, unit_of(accepted[0]), times=work.MAX_ATTEMPTS)
    with database.begin() as conn:
        assert work.split_or_quarantine(conn, unit_of(accepted[0])) is WorkState.SPLIT
    with database.begin() as conn:
        assert work.split_or_quarantine(conn, unit_of(accepted[0])) is None
    with database.read() as conn:
        assert work.open_units(conn) == 2


def test_a_worn_out_unit_is_not_rung_for(database: Database) -> None:
    [accepted] = accept(database)
    lose(database, unit_of(accepted), times=work.MAX_ATTEMPTS)
    assert due(database) == []


def test_a_queued_report_in_no_living_unit_upsets_the_balance(database: Database) -> None:
    [accepted] = accept(database)
    with database.begin() as conn:
        unit = update(work_table).where(work_table.c.id == accepted.work_id)
        conn.execute(unit.values(state=WorkState.DONE))
    with database.read() as conn:
        assert not work.reconcile(conn).balanced
