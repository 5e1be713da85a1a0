from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select

from extractor.model import Level, Patient, Status, Study
from storage import reports, work
from storage.errors import InvalidReportError
from storage.model import Lane, NewReport, ReportFilters, ReportState
from storage.outcomes import Outcome
from storage.tables import mentions
from storage.tombstones import Deletion, Reason
from tests.results import make_mention, make_result

if TYPE_CHECKING:
    from storage.database import Database
    from storage.model import Accepted

DELETION = Deletion(Reason.REQUEST, by="key:k1")
TEXT = "MRI left hip. Joint effusion."


def accept(database: Database, *posted: NewReport, lane: Lane = Lane.BULK) -> list[Accepted]:
    with database.begin() as conn:
        return reports.accept(conn, posted, lane=lane)


def with_accession(text: str, accession: str = "A1", source: str = "default") -> NewReport:
    return NewReport(text=text, source=source, study=Study(accession=accession))


def finish(database: Database, accepted: Accepted, outcome: Outcome) -> None:
    assert accepted.work_id is not None
    with database.begin() as conn:
        claim = work.claim(conn, accepted.work_id, lease_s=60)
        assert claim is not None
        work.finish(conn, claim, [outcome])


def test_an_accepted_report_is_queued_with_its_metadata(database: Database) -> None:
    patient = Patient(id="P1", age_years=47, sex="M", pregnancy=None)
    study = Study(modality="MR", description="MRI HIP", date="2021-03-14", accession="A1")
    posted = NewReport(text=TEXT, source="ris", report_id="RAD-1", patient=patient, study=study)
    [accepted] = accept(database, posted)
    with database.read() as conn:
        stored = reports.get(conn, accepted.id)
    assert stored is not None
    assert stored.id.startswith("rep_")
    assert (stored.patient, stored.study) == (patient, study)
    assert (stored.report_id, stored.source, stored.version) == ("RAD-1", "ris", 1)
    assert (stored.state, stored.result, stored.text) == (ReportState.QUEUED, None, None)
    assert stored.accepted_at.tzinfo is not None
    assert accepted.is_new


def test_text_comes_back_only_when_asked_for_and_unchanged(database: Database) -> None:
    text = "NUL \x00 halves \ud800 marks \u202e tabs\t\r\n"
    [accepted] = accept(database, NewReport(text=text))
    with database.read() as conn:
        with_text = reports.get(conn, accepted.id, include_text=True)
        [queued] = reports.load_texts(conn, accepted.work_id or 0)
    assert with_text is not None
    assert with_text.text == queued.report.text == text
    assert with_text.text_chars == len(text)


def test_an_unknown_report_is_none(database: Database) -> None:
    with database.read() as conn:
        assert reports.get(conn, "rep_nothing") is None
        assert reports.state(conn, "rep_nothing") is None


def test_the_same_text_of_an_accession_is_the_same_report(database: Database) -> None:
    [first] = accept(database, with_accession(TEXT))
    [again] = accept(database, with_accession(TEXT))
    assert again.id == first.id
    assert not again.is_new
    assert again.work_id == first.work_id


def test_a_finished_report_posted_again_has_nothing_to_ring_for(database: Database) -> None:
    [first] = accept(database, with_accession(TEXT))
    finish(database, first, Outcome.done(first.id, make_result()))
    [again] = accept(database, with_accession(TEXT))
    assert (again.state, again.work_id) == (ReportState.DONE, None)


def test_another_source_is_another_report(database: Database) -> None:
    [first] = accept(database, with_accession(TEXT, source="north"))
    [other] = accept(database, with_accession(TEXT, source="south"))
    assert other.id != first.id


def test_a_changed_text_is_a_new_version_and_the_old_one_stays(database: Database) -> None:
    [first] = accept(database, with_accession("one"))
    [second, third] = accept(database, with_accession("two"), with_accession("three"))
    assert [first.version, second.version, third.version] == [1, 2, 3]
    with database.read() as conn:
        superseded = [reports.get(conn, accepted.id) for accepted in (first, second, third)]
        latest = reports.list_page(conn, ReportFilters(latest_only=True))
    assert [s and s.superseded_by for s in superseded] == [second.id, third.id, None]
    assert [report.id for report in latest.reports] == [third.id]


def test_without_accession_the_clients_id_makes_versions(database: Database) -> None:
    [first] = accept(database, NewReport(text="one", report_id="RAD-1"))
    [second] = accept(database, NewReport(text="two", report_id="RAD-1"))
    assert (first.version, second.version) == (1, 2)


def test_without_any_id_texts_stand_alone(database: Database) -> None:
    answers = accept(database, NewReport(text="one"), NewReport(text="two"), NewReport(text="one"))
    assert [answer.version for answer in answers] == [1, 1, 1]
    assert [answer.is_new for answer in answers] == [True, True, False]
    assert answers[2].id == answers[0].id


def test_without_any_id_other_metadata_is_another_report(database: Database) -> None:
    man = NewReport(text=TEXT, patient=Patient(sex="M"))
    woman = NewReport(text=TEXT, patient=Patient(sex="F"))
    first, second = accept(database, man, woman)
    assert first.id != second.id


def test_many_reports_become_units_of_a_hundred(database: Database) -> None:
    answers = accept(database, *(NewReport(text=f"report {n}") for n in range(250)))
    units = [answer.work_id for answer in answers]
    assert [units.count(unit) for unit in sorted({unit or 0 for unit in units})] == [100, 100, 50]
    assert [answer.id for answer in answers] == sorted(answer.id for answer in answers)


@pytest.mark.parametrize(
    ("report", "field"),
    [
        (NewReport(text=TEXT, source=""), "source"),
        (NewReport(text=TEXT, report_id="a\x00b"), "report_id"),
        (NewReport(text=TEXT, patient=Patient(id="x" * 2_000)), "patient.id"),
        (NewReport(text=TEXT, study=Study(date="14/03/2021")), "study.date"),
        (NewReport(text=TEXT, study=Study(accession="\ud800")), "study.accession"),
    ],
)
def test_metadata_that_cannot_be_stored_is_refused(
    database: Database, report: NewReport, field: str
) -> None:
    with pytest.raises(InvalidReportError) as caught:
        accept(database, NewReport(text="good"), report)
    assert caught.value.field == field
    with database.read() as conn:
        assert not reports.list_page(conn, ReportFilters()).reports


def test_pages_go_from_new_to_old_and_end(database: Database) -> None:
    answers = accept(database, *(NewReport(text=f"report {n}") for n in range(5)))
    seen, after = [], None
    with database.read() as conn:
        for _ in range(3):
            page = reports.list_page(conn, ReportFilters(), after=after, limit=2)
            seen += [report.id for report in page.reports]
            after = page.next_after
    assert after is None
    assert seen == [answer.id for answer in reversed(answers)]


def _three_finished(database: Database) -> tuple[str, str, str]:
    hip = make_mention("effusion", sites=("hip_joint", "femoral_neck"))
    dry = make_mention("effusion", id_=2, status=Status.NEGATED, sites=("pleura",))
    oedema = make_mention("marrow_oedema", sites=("femoral_head",))
    results = [
        make_result(hip, dry, level=Level.PROBABLE),
        make_result(oedema, level=Level.STATED),
        make_result(),
    ]
    dates = ["2020-01-01", "2021-01-01", None]
    ids = []
    for number, (result, day) in enumerate(zip(results, dates, strict=True)):
        source = f"s{number}"
        posted = NewReport(text=TEXT, source=source, study=Study(date=day))
        [accepted] = accept(database, posted)
        finish(database, accepted, Outcome.done(accepted.id, result))
        ids.append(accepted.id)
    return ids[0], ids[1], ids[2]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (ReportFilters(), [2, 1, 0]),
        (ReportFilters(level="stated"), [1]),
        (ReportFilters(finding="effusion"), [0]),
        (ReportFilters(finding="effusion", status="negated"), [0]),
        (ReportFilters(finding="effusion", status="negated", site="hip_joint"), []),
        (ReportFilters(site="femoral_neck"), [0]),
        (ReportFilters(site="femoral"), []),
        (ReportFilters(site="%"), []),
        (ReportFilters(status="affirmed"), [1, 0]),
        (ReportFilters(source="s2"), [2]),
        (ReportFilters(state=ReportState.QUEUED), []),
        (ReportFilters(study_date_from=date(2020, 6, 1)), [1]),
        (ReportFilters(study_date_to=date(2020, 1, 1)), [0]),
    ],
)
def test_filters_keep_what_they_say(
    database: Database, filters: ReportFilters, expected: list[int]
) -> None:
    ids = _three_finished(database)
    with database.read() as conn:
        page = reports.list_page(conn, filters)
    assert [report.id for report in page.reports] == [ids[number] for number in expected]


def test_a_finished_report_gives_its_result(database: Database) -> None:
    result = make_result(make_mention(), level=Level.PROBABLE, report_id="RAD-1")
    [accepted] = accept(database, NewReport(text=TEXT, report_id="RAD-1"))
    finish(database, accepted, Outcome.done(accepted.id, result))
    with database.read() as conn:
        stored = reports.get(conn, accepted.id)
    assert stored is not None
    assert stored.result is not None
    assert stored.result["mentions"][0]["sites"] == ["hip_joint"]
    assert stored.result["report_id"] == "RAD-1"
    assert (stored.level, stored.side) == ("probable", "left")
    assert stored.finished_at is not None
    assert stored.finished_at >= stored.accepted_at


def test_deleting_takes_text_result_and_mentions(database: Database) -> None:
    [accepted] = accept(database, NewReport(text=TEXT))
    finish(database, accepted, Outcome.done(accepted.id, make_result(make_mention())))
    with database.begin() as conn:
        assert reports.delete(conn, accepted.id, DELETION)
        assert not reports.delete(conn, accepted.id, DELETION)
    with database.read() as conn:
        assert reports.get(conn, accepted.id) is None
        assert conn.execute(select(mentions)).first() is None


def test_deleting_a_version_joins_those_around_it(database: Database) -> None:
    versions = accept(database, *(with_accession(text) for text in ("one", "two", "three")))
    with database.begin() as conn:
        reports.delete(conn, versions[1].id, DELETION)
    with database.read() as conn:
        first = reports.get(conn, versions[0].id)
    assert first is not None
    assert first.superseded_by == versions[2].id


def test_a_report_deleted_while_it_is_read_stays_deleted(database: Database) -> None:
    kept, gone = accept(database, NewReport(text="kept"), NewReport(text="gone"))
    assert kept.work_id is not None
    with database.begin() as conn:
        claim = work.claim(conn, kept.work_id, lease_s=60)
    assert claim is not None
    with database.begin() as conn:
        reports.delete(conn, gone.id, DELETION)
    with database.begin() as conn:
        outcomes = [Outcome.done(report.id, make_result()) for report in (kept, gone)]
        assert work.finish(conn, claim, outcomes)
    with database.read() as conn:
        assert reports.get(conn, gone.id) is None
        assert work.reconcile(conn).balanced


def test_many_reports_are_looked_for_by_the_index(sqlite_database: Database) -> None:
    posted = [NewReport(text=f"{n}", study=Study(accession=f"{n}")) for n in range(5)]
    queries: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, query: str, parameters: Any, *_: Any) -> None:
        if query.startswith("WITH wanted"):
            queries.append((query, parameters))

    event.listen(sqlite_database.engine, "before_cursor_execute", note)
    with sqlite_database.begin() as conn:
        reports.accept(conn, posted, lane=Lane.BULK)
    assert len(queries) == 2
    with sqlite_database.read() as conn:
        for query, parameters in queries:
            plan = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", parameters).all()
            assert not any(row.detail.startswith("SCAN reports") for row in plan)
