"""What an operator sees of the queue, and failed reports that are queued again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import event

from storage import operations, reports, work
from storage.ids import new_id
from storage.model import Lane, NewReport, ReportState, WorkKind, WorkState
from storage.outcomes import Outcome
from tests.storage.test_work import claim, done, everything, lose, unit_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import pytest
    from sqlalchemy.engine import Connection

    from storage.database import Database
    from storage.model import Accepted
    from storage.operations import Operations


def accept(database: Database, count: int = 1, *, lane: Lane = Lane.BULK) -> list[Accepted]:
    with database.begin() as conn:
        posted = [NewReport(text=new_id("rep")) for _ in range(count)]
        return reports.accept(conn, posted, lane=lane)


def look(database: Database) -> Operations:
    with database.read() as conn:
        return operations.look(conn)


def requeue(database: Database, **wanted: str) -> int:
    with database.begin() as conn:
        number, units = operations.requeue(conn, **wanted)
    assert bool(number) == bool(units)
    return number


def fail(database: Database, accepted: list[Accepted], error_code: str) -> None:
    for unit in dict.fromkeys(map(unit_of, accepted)):
        held = claim(database, unit)
        assert held is not None
        with database.begin() as conn:
            work.finish(conn, held, [Outcome.failed(one.id, error_code) for one in accepted])


def test_what_waits_is_told_by_lane_and_kind_with_its_age(database: Database) -> None:
    assert look(database).open_work == ()
    [waiting] = accept(database, lane=Lane.INTERACTIVE)
    [held] = accept(database)
    assert claim(database, unit_of(held)) is not None
    seen = look(database)
    assert [(one.lane, one.kind, one.state, one.units) for one in seen.open_work] == [
        (Lane.BULK, WorkKind.REPORTS, WorkState.LEASED, 1),
        (Lane.INTERACTIVE, WorkKind.REPORTS, WorkState.PENDING, 1),
    ]
    assert [(holder.name, holder.units) for holder in seen.holders] == [("me", 1)]
    assert 0 <= seen.oldest_s(Lane.BULK) < 60
    assert waiting.work_id != held.work_id


def test_failed_reports_are_told_by_error_code_and_quarantined_units_counted(
    database: Database,
) -> None:
    fail(database, accept(database, 3), "timeout")
    fail(database, accept(database, 2), "memory")
    [killer] = accept(database)
    lose(database, unit_of(killer), times=work.MAX_ATTEMPTS)
    with database.begin() as conn:
        work.split_or_quarantine(conn, unit_of(killer))
    seen = look(database)
    assert seen.failed == {"memory": 2, "timeout": 3, work.WORKER_LOST: 1}
    assert seen.quarantined == 1


def test_failed_reports_are_queued_again_and_read(database: Database) -> None:
    failed = accept(database, 25)
    fail(database, failed, "timeout")
    fail(database, accept(database, 1), "memory")
    assert requeue(database, error_code="timeout") == 25
    assert requeue(database, error_code="timeout") == 0
    again = {one.id: one for one in everything(database)}
    assert {again[one.id].state for one in failed} == {ReportState.QUEUED}
    units = {unit for unit in (again[one.id].work_id for one in failed) if unit is not None}
    assert len(units) == 3
    for unit in units:
        held = claim(database, unit)
        assert held is not None
        with database.begin() as conn:
            work.finish(conn, held, [done(one) for one in failed])
    assert {one.state for one in everything(database)} == {ReportState.DONE, ReportState.FAILED}
    with database.read() as conn:
        assert work.reconcile(conn).balanced


def test_one_report_is_queued_again_and_others_are_left_alone(database: Database) -> None:
    failed = accept(database, 2)
    fail(database, failed, "timeout")
    assert requeue(database, report=failed[0].id) == 1
    assert requeue(database, report=failed[0].id) == 0
    assert requeue(database, report="rep_none") == 0
    states = {one.id: one.state for one in everything(database)}
    assert states == {failed[0].id: ReportState.QUEUED, failed[1].id: ReportState.FAILED}


def test_only_so_many_are_queued_again_at_once(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "MOST_REQUEUED", 4)
    fail(sqlite_database, accept(sqlite_database, 6), "timeout")
    assert [requeue(sqlite_database) for _ in range(3)] == [4, 2, 0]


def test_no_question_goes_through_all_reports_or_all_finished_work(
    sqlite_database: Database,
) -> None:
    questions: dict[str, Callable[[Connection], object]] = {
        "look": operations.look,
        "leases": work.leases,
        "reclaim": work.reclaim_expired,
        "expired": work.expired,
        "worn out": work.worn_out,
        "due": partial(work.ring_due, older_than_s=1, limit=10),
        "open": work.open_units,
        "full": partial(work.has_open_reports, at_least=5),
        "stalled": partial(work.is_stalled, for_s=5),
        "again": operations.requeue,
    }
    slow = {name: _walks(sqlite_database, ask) for name, ask in questions.items()}
    assert slow == {name: [] for name in questions}


def _walks(database: Database, ask: Callable[[Connection], object]) -> list[str]:
    """Return where SQLite would go through a whole table to answer."""
    asked: list[tuple[str, Any]] = []

    def hear(*args: Any) -> None:
        asked.append((args[2], args[3]))

    with database.begin() as conn:
        event.listen(conn, "before_cursor_execute", hear)
        ask(conn)
        event.remove(conn, "before_cursor_execute", hear)
        plans = [
            str(row[3])
            for query, values in asked
            for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all()
        ]
    assert any(plan.startswith(("SCAN", "SEARCH")) for plan in plans)
    return [plan for plan in plans if plan in {"SCAN work", "SCAN reports"}]
