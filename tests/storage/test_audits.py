from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from storage import audits, steps, work
from storage.audit_model import AuditState, NewAudit, PlanCounts, StoredAudit
from storage.errors import FencedError
from storage.files import AUDITS, LocalFiles
from storage.ids import made_at_s, new_id
from storage.model import Claim, WorkKind, WorkState
from storage.sweeping import remove_orphans, sweep

if TYPE_CHECKING:
    from pathlib import Path

    from storage.database import Database

COUNTS = PlanCounts(rows_read=9, refused=1, duplicates=1, superseded=1, planned=6, passed_over=0)


def make(database: Database) -> str:
    id_ = new_id("aud")
    arguments: dict[str, Any] = {"focus": "all", "map": [], "day_first": None}
    with database.begin() as conn:
        audits.create(
            conn, NewAudit(id_, "export.csv", upload=f"{AUDITS}/{id_}/input", arguments=arguments)
        )
    return id_


def load(database: Database, id_: str) -> StoredAudit:
    with database.read() as conn:
        found = audits.get(conn, id_)
    assert found is not None
    return found


def due(database: Database) -> list[tuple[int, WorkKind]]:
    with database.read() as conn:
        units = work.ring_due(conn, older_than_s=-1, limit=100)
    return [(unit.work_id, unit.kind) for unit in units]


def claim(database: Database, work_id: int) -> Claim:
    with database.begin() as conn:
        held = work.claim(conn, work_id, lease_s=60)
    assert held is not None
    return held


def plan(database: Database, *shards: tuple[int, int]) -> str:
    id_ = make(database)
    [(unit, kind)] = due(database)
    assert kind is WorkKind.PLAN
    held = claim(database, unit)
    with database.begin() as conn:
        steps.begin_plan(conn, held)
        identity: dict[str, Any] = {"focus": "all"}
        steps.finish_plan(conn, held, COUNTS, shards=shards, identity=identity, files="plan-1")
    return id_


def finish_shard(database: Database, held: Claim, **values: int) -> None:
    with database.begin() as conn:
        steps.begin_shard(conn, held)
        counts = {"failed": 0, "cases": 0} | values
        steps.finish_shard(conn, held, files=f"results-{held.work_id}", **counts)


def lose(database: Database) -> None:
    with database.begin() as conn:
        work.expire(conn, work.leases(conn))


def test_an_audit_goes_from_its_plan_over_its_shards_to_its_summary(database: Database) -> None:
    id_ = plan(database, (1, 4), (2, 2))
    assert load(database, id_).state is AuditState.EXTRACTING
    units = due(database)
    assert [kind for _, kind in units] == [WorkKind.SHARD] * 2
    finish_shard(database, claim(database, units[1][0]), cases=1)
    half = load(database, id_)
    assert (half.progress.reports, half.progress.cases, half.progress.shards) == (2, 1, 1)
    assert half.progress.reports_per_s
    finish_shard(database, claim(database, units[0][0]), failed=1)
    assert load(database, id_).state is AuditState.FINISHING
    [(unit, kind)] = due(database)
    assert kind is WorkKind.SUMMARY
    held = claim(database, unit)
    with database.begin() as conn:
        assert set(steps.shard_files(conn, id_)) == {1, 2}
        steps.finish_summary(conn, held, files="output-1", summary={"cases": {"hips": 1}})
    done = load(database, id_)
    assert (done.state, done.counts, done.output_files) == (AuditState.DONE, COUNTS, "output-1")
    assert (done.progress.reports, done.progress.failed) == (6, 1)
    assert due(database) == []


def test_an_archive_without_reports_goes_to_its_summary_at_once(database: Database) -> None:
    id_ = plan(database)
    assert load(database, id_).state is AuditState.FINISHING
    assert [kind for _, kind in due(database)] == [WorkKind.SUMMARY]


def test_whoever_lost_the_lease_writes_nothing(database: Database) -> None:
    id_ = plan(database, (1, 4))
    [(unit, _)] = due(database)
    first = claim(database, unit)
    lose(database)
    second = claim(database, unit)
    with pytest.raises(FencedError):
        finish_shard(database, first, cases=9)
    assert load(database, id_).progress.shards == 0
    finish_shard(database, second, cases=2)
    assert load(database, id_).progress.cases == 2


def test_a_cancelled_audit_has_no_work_and_fences_who_works_on_it(database: Database) -> None:
    id_ = plan(database, (1, 4), (2, 2))
    held = claim(database, due(database)[0][0])
    with database.begin() as conn:
        assert audits.cancel(conn, id_)
        assert not audits.cancel(conn, id_)
    assert due(database) == []
    with pytest.raises(FencedError), database.begin() as conn:
        work.renew(conn, held, lease_s=60)
    with pytest.raises(FencedError):
        finish_shard(database, held)
    assert load(database, id_).state is AuditState.CANCELLED


def test_a_row_on_which_two_processes_died_is_left_out(database: Database) -> None:
    plan(database, (1, 4))
    [(unit, _)] = due(database)
    skipped = []
    for row in (7, 8, 8):
        held = claim(database, unit)
        with database.begin() as conn:
            skipped.append(steps.begin_shard(conn, held).skip)
            steps.note_row(conn, held, row, lease_s=60)
        lose(database)
    held = claim(database, unit)
    with database.begin() as conn:
        skipped.append(steps.begin_shard(conn, held).skip)
    assert skipped == [frozenset(), frozenset(), frozenset(), frozenset({8})]


def test_a_step_that_was_put_back_blames_no_row(database: Database) -> None:
    plan(database, (1, 4))
    [(unit, _)] = due(database)
    for _ in range(3):
        held = claim(database, unit)
        with database.begin() as conn:
            assert steps.begin_shard(conn, held).skip == frozenset()
            steps.note_row(conn, held, 7, lease_s=60)
            steps.put_back(conn, held)


def test_a_step_that_never_comes_back_fails_the_audit(database: Database) -> None:
    id_ = plan(database, (1, 4), (2, 2))
    unit = due(database)[0][0]
    for _ in range(work.MAX_STEP_ATTEMPTS):
        claim(database, unit)
        lose(database)
    assert unit not in {found for found, _ in due(database)}
    with database.begin() as conn:
        assert work.worn_out(conn) == []
        assert steps.worn_out(conn) == [unit]
        assert steps.give_up(conn, unit) is WorkState.QUARANTINED
        assert steps.give_up(conn, unit) is None
    failed = load(database, id_)
    assert (failed.state, failed.error_code) == (AuditState.FAILED, "worker_lost")
    assert due(database) == []


def test_audits_are_listed_newest_first_by_state_and_page(database: Database) -> None:
    ids = [make(database) for _ in range(5)]
    with database.begin() as conn:
        audits.cancel(conn, ids[1])
        audits.delete(conn, ids[2])
        page = audits.list_page(conn, limit=2)
        rest = audits.list_page(conn, limit=2, after=page.next_after)
        cancelled = audits.list_page(conn, state=AuditState.CANCELLED)
    assert [audit.id for audit in (*page.audits, *rest.audits)] == [ids[4], ids[3], ids[1], ids[0]]
    assert rest.next_after is None
    assert [audit.id for audit in cancelled.audits] == [ids[1]]


def test_of_a_deleted_audit_nothing_stays(database: Database, tmp_path: Path) -> None:
    id_ = plan(database, (1, 4))
    files = LocalFiles(tmp_path / "store")
    (tmp_path / "upload").write_text("text")
    files.put(tmp_path / "upload", f"{AUDITS}/{id_}/input")
    with database.begin() as conn:
        assert audits.delete(conn, id_)
    with database.read() as conn:
        assert audits.get(conn, id_) is None
    assert sweep(database, files) == 1
    assert sweep(database, files) == 0
    assert files.children("") == []
    with database.read() as conn:
        assert work.open_units(conn) == 0


def test_of_a_finished_audit_only_the_output_stays(database: Database, tmp_path: Path) -> None:
    id_ = plan(database)
    files = LocalFiles(tmp_path / "store")
    for name in ("input", "plan-1", "output-1", "output-2"):
        (tmp_path / "file").write_text("text")
        files.put(tmp_path / "file", f"{AUDITS}/{id_}/{name}")
    held = claim(database, due(database)[0][0])
    with database.begin() as conn:
        steps.finish_summary(conn, held, files=f"{AUDITS}/{id_}/output-1", summary={})
    sweep(database, files)
    assert files.children(f"{AUDITS}/{id_}") == ["output-1"]


def test_files_that_no_audit_knows_are_removed_once_they_are_old(
    sqlite_database: Database, tmp_path: Path
) -> None:
    known, orphan = make(sqlite_database), new_id("aud")
    files = LocalFiles(tmp_path / "store")
    for name in (known, orphan, "something-else"):
        (tmp_path / "file").write_text("text")
        files.put(tmp_path / "file", f"{AUDITS}/{name}/input")
    assert abs(made_at_s(orphan) - time.time()) < 60
    assert remove_orphans(sqlite_database, files) == 0
    assert remove_orphans(sqlite_database, files, older_than_s=-60) == 1
    assert files.children(AUDITS) == sorted([known, "something-else"])
