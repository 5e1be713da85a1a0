from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from extractor.errors import TextTooLongError
from storage import work
from storage.model import Lane, ReportState
from tests.results import make_result
from workers.deadline import ReportTimeoutError, deadline
from workers.run_work import Ending, Summary, run_work
from workers.settings import WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from extractor.model import Report, Result
    from tests.workers.services import Service


class Reads:
    """A reader that does what a function says."""

    def __init__(self, act: Callable[[str], None] = lambda _: None) -> None:
        self._act = act

    def extract(self, report: Report) -> Result:
        self._act(report.text)
        return make_result(report_id=report.report_id)


def settings(**changes: float) -> WorkerSettings:
    return WorkerSettings.model_validate(changes)


def act(service: Service, reader: Reads, *texts: str, **changes: float) -> Ending:
    accepted = service.accept(*texts)
    assert accepted[0].work_id is not None
    [unit] = run(service, accepted[0].work_id, reader, **changes)
    return unit.ending


def run(service: Service, work_id: int, reader: Reads, **changes: float) -> list[Summary]:
    return run_work(work_id, database=service.database, reader=reader, settings=settings(**changes))


def post_alone(service: Service, *texts: str) -> list[int]:
    """Accept reports one by one, each with a unit of its own; return the units."""
    return [
        accepted.work_id or 0
        for text in texts
        for accepted in service.accept(text, lane=Lane.INTERACTIVE)
    ]


def endings(units: list[Summary]) -> dict[int, Ending]:
    return {unit.work_id: unit.ending for unit in units}


def codes(service: Service) -> list[str | None]:
    return [report.error_code for report in reversed(service.stored())]


def test_a_unit_is_done_once(service: Service) -> None:
    assert act(service, Reads(), "one", "two") is Ending.DONE
    assert {report.state for report in service.stored()} == {ReportState.DONE}
    work_id = service.stored()[0].work_id
    assert work_id is not None
    assert endings(run(service, work_id, Reads())) == {work_id: Ending.NOT_OURS}


def test_reports_that_came_alone_are_read_together(service: Service) -> None:
    first, second, third = post_alone(service, "one", "two", "three")
    done = dict.fromkeys((second, first, third), Ending.DONE)
    assert endings(run(service, second, Reads())) == done
    assert {report.state for report in service.stored()} == {ReportState.DONE}
    assert endings(run(service, first, Reads())) == {first: Ending.NOT_OURS}


def test_a_unit_that_came_back_is_taken_alone(service: Service) -> None:
    came_back, new = post_alone(service, "one", "two")
    with service.database.begin() as conn:
        assert work.claim(conn, came_back, lease_s=60)
    with service.database.begin() as conn:
        work.expire(conn, work.leases(conn))
    assert endings(run(service, came_back, Reads())) == {came_back: Ending.DONE}
    assert service.sums().open == 1
    assert endings(run(service, new, Reads())) == {new: Ending.DONE}


def test_a_unit_that_came_back_is_not_taken_with_others(service: Service) -> None:
    came_back, new = post_alone(service, "one", "two")
    with service.database.begin() as conn:
        assert work.claim(conn, came_back, lease_s=60)
    with service.database.begin() as conn:
        work.expire(conn, work.leases(conn))
    assert endings(run(service, new, Reads())) == {new: Ending.DONE}
    assert service.sums().open == 1


def test_batches_are_not_taken_together(service: Service) -> None:
    [first], [_] = service.accept("one"), service.accept("two")
    assert first.work_id is not None
    assert endings(run(service, first.work_id, Reads())) == {first.work_id: Ending.DONE}
    assert service.sums().open == 1


def test_a_lease_that_is_lost_costs_the_others_nothing(service: Service) -> None:
    units = post_alone(service, "one", "lost", "three")

    def lose(text: str) -> None:
        if text == "three":
            with service.database.begin() as conn:
                lost = [one for one in work.leases(conn) if one.work_id == units[1]]
                work.expire(conn, lost)

    expected = dict(zip(units, (Ending.DONE, Ending.FENCED, Ending.DONE), strict=True))
    assert endings(run(service, units[0], Reads(lose))) == expected
    assert (service.sums().done, service.sums().open) == (2, 1)


def test_what_the_time_does_not_allow_of_reports_that_came_alone_is_put_back(
    sqlite_service: Service,
) -> None:
    units = post_alone(sqlite_service, "one", "two", "three")

    def idle(text: str) -> None:
        del text
        time.sleep(0.35)

    changes = {"report_timeout_s": 0.5, "unit_timeout_s": 0.6}
    ended = run(sqlite_service, units[0], Reads(idle), **changes)
    assert list(endings(ended).values()) == [Ending.DONE, Ending.DONE, Ending.PUT_BACK]
    assert sqlite_service.sums().open == 1


def test_each_report_fails_for_its_own_reason(
    sqlite_service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(text: str) -> None:
        errors = {
            "long": TextTooLongError(2, 1),
            "memory": MemoryError(),
            "odd": ValueError("ZZPHI"),
            "deep": RecursionError("ZZPHI"),
        }
        if text in errors:
            raise errors[text]

    act(sqlite_service, Reads(fail), "long", "memory", "odd", "deep", "fine")
    expected = ["text_too_long", "memory", "extraction_failed", "extraction_failed", None]
    assert codes(sqlite_service) == expected
    said = capsys.readouterr()
    assert "ZZPHI" not in said.out + said.err


def test_a_report_has_a_deadline_of_its_own(sqlite_service: Service) -> None:
    def hang(text: str) -> None:
        while text == "hang":
            with suppress(Exception):  # as libraries do
                time.sleep(0.001)

    act(sqlite_service, Reads(hang), "hang", "fine", report_timeout_s=0.1)
    assert codes(sqlite_service) == ["timeout", None]


def test_what_the_units_time_does_not_allow_is_put_back(sqlite_service: Service) -> None:
    def idle(text: str) -> None:
        del text
        time.sleep(0.03)

    changes = {"report_timeout_s": 0.5, "unit_timeout_s": 0.6}
    texts = [f"report {n}" for n in range(60)]
    assert act(sqlite_service, Reads(idle), *texts, **changes) is Ending.PUT_BACK
    sums = sqlite_service.sums()
    assert 0 < sums.done < 60
    assert sums.done + sums.open == 60


def test_a_lost_lease_leaves_the_other_workers_results(sqlite_service: Service) -> None:
    def lose(text: str) -> None:
        del text
        with sqlite_service.database.begin() as conn:
            work.expire(conn, work.leases(conn))

    assert act(sqlite_service, Reads(lose), "report") is Ending.FENCED
    assert sqlite_service.stored()[0].state is ReportState.QUEUED


def test_a_deadline_that_is_kept_leaves_no_alarm() -> None:
    with deadline(0.02):
        pass
    end = time.monotonic() + 0.05
    while time.monotonic() < end:
        pass


def test_a_deadline_interrupts_a_regular_expression() -> None:
    import re

    with pytest.raises(ReportTimeoutError), deadline(0.05):
        re.match(r"(a+)+$", "a" * 40 + "b")
