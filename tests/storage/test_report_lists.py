"""Lists of reports: their orders, read to the end page by page, and the numbers beside filters."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from extractor.model import Level, Study
from storage import reports, work
from storage.model import Lane, NewReport, ReportFilters, ReportOrder, ReportState
from storage.outcomes import Outcome
from storage.report_counts import count
from tests.results import make_mention, make_result

if TYPE_CHECKING:
    from storage.database import Database

DATES = ("2021-03-14", None, "2019-01-02", "2021-03-14", "2020-06-30", None, "2021-03-14")


def accept(database: Database) -> list[str]:
    posted = [
        NewReport(text=f"Report {number}.", study=Study(date=day))
        for number, day in enumerate(DATES)
    ]
    with database.begin() as conn:
        return [one.id for one in reports.accept(conn, posted, lane=Lane.BULK)]


def read_all(database: Database, order: ReportOrder) -> list[tuple[str | None, str]]:
    """The dates and ids of all pages of two reports each."""
    found: list[tuple[str | None, str]] = []
    after = None
    while True:
        with database.read() as conn:
            page = reports.list_page(conn, ReportFilters(), after=after, limit=2, order=order)
        found += [(report.study.date, report.id) for report in page.reports]
        after = page.next_after
        if after is None:
            return found


def test_the_orders_of_acceptance_are_each_other_turned_round(database: Database) -> None:
    ids = accept(database)
    assert [id_ for _, id_ in read_all(database, ReportOrder.OLDEST)] == sorted(ids)
    assert [id_ for _, id_ in read_all(database, ReportOrder.NEWEST)] == sorted(ids, reverse=True)


@pytest.mark.parametrize("order", [ReportOrder.STUDY_NEWEST, ReportOrder.STUDY_OLDEST])
def test_by_the_studys_date_each_dated_report_stands_once_in_order(
    database: Database, order: ReportOrder
) -> None:
    accept(database)
    found = read_all(database, order)
    assert len(found) == len(set(found)) == len([date for date in DATES if date])
    if order is ReportOrder.STUDY_NEWEST:
        found.reverse()
    assert all(first < second for first, second in pairwise(found))


def test_a_filters_own_value_does_not_change_the_numbers_beside_it(database: Database) -> None:
    with database.begin() as conn:
        accepted = reports.accept(
            conn, [NewReport(text=f"Report {number}.") for number in range(4)], lane=Lane.BULK
        )
        assert accepted[0].work_id is not None
        claim = work.claim(conn, accepted[0].work_id, lease_s=60)
        assert claim is not None
        levels = (Level.STATED, Level.STATED, Level.NONE)
        outcomes = [
            Outcome.done(one.id, make_result(make_mention(), level=level))
            for one, level in zip(accepted, levels, strict=False)
        ]
        work.finish(conn, claim, outcomes)
    with database.read() as conn:
        for level in (None, Level.NONE):
            found = count(conn, ReportFilters(level=level, finding="effusion")).levels
            assert found == {"stated": 2, "none": 1}
        assert count(conn, ReportFilters(finding="fracture")).levels == {}
        everything = {"done": 3, "queued": 1}
        assert count(conn, ReportFilters()).states == everything
        assert count(conn, ReportFilters(state=ReportState.DONE)).states == everything
        assert count(conn, ReportFilters(level=Level.STATED)).states == {"done": 2}


def test_every_filter_counts_what_it_lists(database: Database) -> None:
    with database.begin() as conn:
        posted = [
            NewReport(f"Report {n}.", source=f"s{n % 2}", study=Study(date=f"20{10 + n}-01-02"))
            for n in range(6)
        ]
        accepted = reports.accept(conn, posted, lane=Lane.BULK)
        unit = accepted[0].work_id
        assert unit is not None
        held = work.claim(conn, unit, lease_s=60)
        assert held is not None
        done = [
            Outcome.done(one.id, make_result(make_mention(), level=level))
            for one, level in zip(accepted, (Level.STATED, Level.NONE) * 2, strict=False)
        ]
        work.finish(conn, held, done)
    asked = [
        ReportFilters(),
        ReportFilters(source="s1"),
        ReportFilters(latest_only=True, finding="effusion"),
        ReportFilters(study_date_from=date(2011, 1, 1), study_date_to=date(2014, 1, 1)),
        ReportFilters(study_date_from=date(2011, 1, 1), level=Level.STATED),
        ReportFilters(state=ReportState.QUEUED),
        ReportFilters(state=ReportState.QUEUED, level=Level.NONE),
        ReportFilters(state=ReportState.DONE, source="s0"),
    ]
    with database.read() as conn:
        for filters in asked:
            listed = reports.list_page(conn, filters, limit=100).reports
            found = count(conn, filters)
            assert found.total == len(listed), filters
            if filters.level is None:
                assert found.levels == Counter(one.level for one in listed if one.level), filters
            if filters.state is None:
                assert found.states == Counter(one.state.value for one in listed), filters
