"""What is deleted is gone from the tables and from the bytes on the disk; its tombstone stays."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, insert, select, update

from extractor.model import Patient, Study
from storage import audits, idempotency, reports, retention, tombstones, work
from storage.audit_model import NewAudit
from storage.clock import now
from storage.compaction import compact, empty_log
from storage.database import Database
from storage.errors import CompactionError
from storage.idempotency import Answer, Request
from storage.ids import first_id, new_id
from storage.model import Lane, NewReport
from storage.outcomes import Outcome
from storage.tables import audits as audits_table
from storage.tables import idempotency as answers
from storage.tables import metadata, results
from storage.tables import reports as reports_table
from storage.tables import tombstones as tombstones_table
from storage.tombstones import Deletion, Reason
from tests.results import make_mention, make_result

if TYPE_CHECKING:
    from pathlib import Path

    from storage.model import Accepted

DELETION = Deletion(Reason.AGE, by="user:me")
DAY_S = 24 * 3_600


def accept(database: Database, *posted: NewReport) -> list[Accepted]:
    with database.begin() as conn:
        return reports.accept(conn, posted, lane=Lane.BULK)


def finish(database: Database, *accepted: Accepted) -> None:
    for work_id in sorted({one.work_id for one in accepted if one.work_id is not None}):
        with database.begin() as conn:
            held = work.claim(conn, work_id, lease_s=60)
            assert held is not None
            queued = reports.load_texts(conn, work_id)
            result = make_result(make_mention())
            work.finish(conn, held, [Outcome.done(one.id, result) for one in queued])


def aged(database: Database, accepted: list[Accepted], *, days: float) -> list[str]:
    """Make reports as old as if they had been accepted so long ago, ids included."""
    old: list[str] = []
    with database.begin() as conn:
        moment = conn.execute(select(now(offset_s=-days * DAY_S).label("moment"))).scalar_one()
        for number, one in enumerate(accepted):
            id_ = f"{first_id('rep', moment)[:-3]}{number:03d}"
            row = dict(conn.execute(select(reports_table).where(reports_table.c.id == one.id)).one()._mapping)  # fmt: skip
            conn.execute(reports_table.delete().where(reports_table.c.id == one.id))
            conn.execute(insert(reports_table).values(row | {"id": id_, "accepted_at": moment}))
            old.append(id_)
    return old


def count(database: Database, table: Any) -> int:
    with database.read() as conn:
        return conn.execute(select(func.count()).select_from(table)).scalar_one()


def texts(*names: str) -> list[NewReport]:
    return [NewReport(text=name) for name in names]


def test_only_final_reports_are_old_and_the_oldest_come_first(database: Database) -> None:
    older = aged(database, accept(database, *texts("a", "b")), days=100)
    old = aged(database, accept(database, *texts("c")), days=91)
    aged(database, accept(database, *texts("d")), days=89)
    with database.begin() as conn:
        conn.execute(
            update(reports_table)
            .where(reports_table.c.id != older[1])
            .values(state="cancelled", finished_at=now())
        )
    with database.read() as conn:
        assert retention.old_reports(conn, days=90) == [older[0], *old]
        assert retention.old_reports(conn, days=90, limit=1) == older[:1]
        assert retention.old_reports(conn, days=90, after=older[0]) == old


def test_a_tombstone_tells_when_why_and_by_whom_and_nothing_else(database: Database) -> None:
    posted = NewReport(
        text="ZZPHI text",
        report_id="ZZPHI-R",
        patient=Patient(id="ZZPHI-P"),
        study=Study(accession="ZZPHI-A", description="ZZPHI hip"),
    )
    [one] = accept(database, posted)
    finish(database, one)
    assert retention.delete_reports(database, [one.id], DELETION) == 1
    with database.read() as conn:
        found = tombstones.get(conn, one.id)
        assert found is not None
        assert (found.reason, found.deleted_by) == (Reason.AGE, "user:me")
        assert found.accepted_at <= found.deleted_at
        for table in metadata.sorted_tables:
            for row in conn.execute(select(table)):
                assert "ZZPHI" not in repr(tuple(row)), table.name


def test_the_sum_still_holds_and_counts_what_was_deleted(database: Database) -> None:
    accepted = accept(database, *texts(*"abcde"))
    finish(database, *accepted)
    [waiting] = accept(database, *texts("waiting"))
    retention.delete_reports(database, [accepted[0].id, accepted[1].id, waiting.id], DELETION)
    with database.read() as conn:
        sums = work.reconcile(conn)
    assert (sums.accepted, sums.done, sums.deleted, sums.open) == (6, 3, 3, 0)
    assert sums.balanced


def test_a_report_that_is_there_and_has_a_tombstone_upsets_the_sum(database: Database) -> None:
    [one] = accept(database, *texts("a"))
    with database.begin() as conn:
        moment = conn.execute(select(now())).scalar_one()
        tombstones.put(conn, one.id, moment, DELETION)
        assert not work.reconcile(conn).balanced


def test_deleting_twice_leaves_the_first_tombstone(database: Database) -> None:
    [one] = accept(database, *texts("a"))
    assert retention.delete_reports(database, [one.id], DELETION) == 1
    assert retention.delete_reports(database, [one.id], Deletion(Reason.PURGE, by="x")) == 0
    with database.read() as conn:
        found = tombstones.get(conn, one.id)
    assert found is not None
    assert found.deleted_by == "user:me"


def test_all_versions_of_all_reports_of_a_patient_are_found(database: Database) -> None:
    def of(patient: str, accession: str, text: str, source: str = "ris") -> NewReport:
        study, who = Study(accession=accession), Patient(id=patient)
        return NewReport(text=text, source=source, patient=who, study=study)

    one, two, elsewhere, _ = accept(
        database,
        of("P1", "A1", "first"),
        of("P1", "A1", "amended"),
        of("P1", "A9", "x", source="b"),
        of("P2", "A2", "other"),
    )
    with database.read() as conn:
        assert retention.reports_of_patient(conn, "P1") == [one.id, two.id, elsewhere.id]
        assert retention.reports_of_patient(conn, "P1", source="ris") == [one.id, two.id]
        assert retention.reports_of_patient(conn, "P") == []


def test_a_measure_counts_what_would_go(database: Database) -> None:
    accepted = accept(database, *texts(*"abc"))
    finish(database, *accepted)
    accepted += accept(database, *texts("waiting"))
    with database.read() as conn:
        extent = retention.measure(conn, [one.id for one in accepted])
        assert (extent.reports, extent.unfinished, extent.results) == (4, 1, 3)
        assert extent.first_accepted_at is not None
        assert retention.measure(conn, []).last_accepted_at is None


def test_old_reports_go_in_batches_until_the_time_is_up(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    old = aged(database, accept(database, *texts(*(f"r{n}" for n in range(25)))), days=10)
    with database.begin() as conn:
        conn.execute(update(reports_table).values(state="cancelled", finished_at=now()))
    delete = {"days": 5, "deletion": DELETION}
    assert retention.delete_old_reports(database, for_s=0, **delete) == 10  # type: ignore[arg-type]
    assert retention.delete_old_reports(database, for_s=60, **delete) == 15  # type: ignore[arg-type]
    assert count(database, tombstones_table) == len(old)
    assert count(database, reports_table) == 0


def test_of_an_answer_that_names_a_deleted_report_only_the_word_is_kept(database: Database) -> None:
    gone, kept = accept(database, *texts("gone", "kept"))
    requests = [Request("k1", "POST /v1/reports", word) for word in ("gone", "kept")]
    with database.begin() as conn:
        for request, one in zip(requests, (gone, kept), strict=True):
            response = {"reports": [{"id": one.id}]}
            idempotency.remember(conn, request, Answer("hash", 202, response))
    retention.delete_reports(database, [gone.id], DELETION)
    with database.read() as conn:
        found = [idempotency.recall(conn, request) for request in requests]
    assert [answer and answer.is_forgotten for answer in found] == [True, False]
    assert [answer and answer.response for answer in found] == [{}, {"reports": [{"id": kept.id}]}]
    assert count(database, answers) == 2


def test_audits_that_ended_long_ago_are_old(database: Database) -> None:
    ids = [new_id("aud") for _ in range(3)]
    with database.begin() as conn:
        for id_ in ids:
            audits.create(conn, NewAudit(id_, "a.csv", upload="x"))
            audits.cancel(conn, id_)
        conn.execute(
            update(audits_table)
            .where(audits_table.c.id == ids[0])
            .values(finished_at=now(offset_s=-31 * DAY_S))
        )
        audits.create(conn, NewAudit(new_id("aud"), "runs.csv", upload="x"))
    with database.read() as conn:
        assert retention.old_audits(conn, days=30) == ids[:1]
        assert retention.kept_audits(conn) == 4
    assert retention.delete_audits(database, ids[:1]) == 1
    with database.read() as conn:
        assert audits.get(conn, ids[0]) is None
        assert retention.kept_audits(conn) == 3


def test_what_was_deleted_stands_in_no_byte_of_the_files(tmp_path: Path) -> None:
    """Rows of all sizes, changed and moved about before: their pages are overwritten, too."""
    draw = random.Random(1)  # noqa: S311 (no secret)
    with Database(f"sqlite:///{tmp_path / 'marrow.sqlite3'}") as database:
        database.upgrade()
        names: dict[str, str] = {}
        for round_ in range(8):
            batch = [f"ZZPHI{round_}n{n}z" for n in range(50)]
            posted = [
                NewReport(
                    text=name * draw.choice((1, 5, 40, 400)),
                    report_id=f"R{name}",
                    patient=Patient(id=f"P{name}"),
                    study=Study(accession=f"A{name}"),
                )
                for name in batch
            ]
            accepted = accept(database, *posted)
            finish(database, *accepted)
            names |= {one.id: name for one, name in zip(accepted, batch, strict=True)}
        with database.begin() as conn:
            conn.execute(update(results).values(json=results.c.json + '"quoted"'))
        gone = draw.sample(sorted(names), 250)
        retention.delete_reports(database, gone, DELETION)
        assert compact(database, timeout_s=5)
        stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert [names[id_] for id_ in gone if names[id_].encode() in stored] == []
        kept = set(names) - set(gone)
        assert all(names[id_].encode() in stored for id_ in kept)


def test_a_reader_keeps_the_log_from_being_emptied_and_that_is_said(
    sqlite_database: Database,
) -> None:
    [one] = accept(sqlite_database, *texts("a"))
    with sqlite_database.read() as conn:
        assert reports.state(conn, one.id) is not None
        retention.delete_reports(sqlite_database, [one.id], DELETION)
        assert not empty_log(sqlite_database, timeout_s=0)
    assert empty_log(sqlite_database, timeout_s=5)


def test_compacting_keeps_every_row(database: Database) -> None:
    accepted = accept(database, *texts(*"abc"))
    finish(database, *accepted)
    retention.delete_reports(database, [accepted[0].id], DELETION)
    assert compact(database)
    with database.read() as conn:
        sums = work.reconcile(conn)
        stored = reports.get(conn, accepted[1].id, include_text=True)
    assert (sums.balanced, sums.done, sums.deleted) == (True, 2, 1)
    assert stored is not None
    assert stored.text == "b"


def test_compacting_while_somebody_writes_says_so(postgresql_url: str) -> None:
    with Database(postgresql_url) as database:
        database.upgrade()
        with database.begin() as conn:
            reports.accept(conn, texts("a"), lane=Lane.BULK)
            with pytest.raises(CompactionError, match="marrow db compact"):
                compact(database)
