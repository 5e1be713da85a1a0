from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from extractor.errors import TextTooLongError
from storage import work
from storage.model import ReportState
from tests.results import make_result
from workers.deadline import ReportTimeoutError, deadline
from workers.run_work import Ending, run_work
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
    return run_work(
        accepted[0].work_id,
        database=service.database,
        reader=reader,
        settings=settings(**changes),
    ).ending


def codes(service: Service) -> list[str | None]:
    return [report.error_code for report in reversed(service.stored())]


def test_a_unit_is_done_once(service: Service) -> None:
    assert act(service, Reads(), "one", "two") is Ending.DONE
    assert {report.state for report in service.stored()} == {ReportState.DONE}
    work_id = service.stored()[0].work_id
    assert work_id is not None
    again = run_work(work_id, database=service.database, reader=Reads(), settings=settings())
    assert again.ending is Ending.NOT_OURS


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
