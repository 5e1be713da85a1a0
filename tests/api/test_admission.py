"""New reports are refused while too many wait, and accepted again once they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.admission import Admission
from api.problems import Code
from api.settings import ApiSettings
from storage import reports, work
from storage.model import Lane, NewReport, WorkKind, WorkState
from tests.services import wait_until

if TYPE_CHECKING:
    import httpx

    from storage.database import Database
    from tests.api.conftest import Api


@pytest.fixture
def narrow(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The server, with a door that closes when two units more wait than other tests have left."""
    with api.database.read() as conn:
        door = Admission(most_open=work.open_units(conn) + 2)
    monkeypatch.setattr("api.admission.LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(api.app.state.service, "admission", door)
    return api


def post(client: httpx.Client, name: str, **headers: str) -> httpx.Response:
    body = {"text": f"No effusion ({name}).", "report_id": name}
    return client.post("/v1/reports", json=body, headers=headers)


def test_a_full_queue_refuses_new_reports_until_some_are_read(
    narrow: Api, client: httpx.Client
) -> None:
    first = post(client, "door-0", **{"Idempotency-Key": "door"})
    assert first.status_code == 202
    answers = [first]

    def is_closed() -> bool:
        answers.append(post(client, f"door-{len(answers)}"))
        return not answers[-1].is_success

    wait_until(is_closed, what="the door to close")
    refused = answers.pop()
    assert (refused.status_code, refused.json()["code"]) == (503, Code.BUSY)
    assert int(refused.headers["retry-after"]) > 0
    # What was accepted before is told again: that stores nothing.
    again = post(client, "door-0", **{"Idempotency-Key": "door"})
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    for answer in answers:
        while client.get(answer.headers["location"]).json()["state"] == "queued":
            narrow.desk.work()
    wait_until(lambda: post(client, "door-open").is_success, what="the door to open")
    narrow.desk.work()


def test_only_units_of_reports_count_and_no_further_than_asked(database: Database) -> None:
    with database.begin() as conn:
        work.create_steps(conn, WorkKind.SHARD, audit="aud_1", lane=Lane.BULK, count=5)
        reports.accept(conn, [NewReport(text="one")], lane=Lane.INTERACTIVE)
        [last] = reports.accept(conn, [NewReport(text="two")], lane=Lane.BULK)
        assert work.has_open_reports(conn, at_least=2)
        assert not work.has_open_reports(conn, at_least=3)
        assert last.work_id is not None
        held = work.claim(conn, last.work_id, lease_s=60)
        assert held is not None
        assert work.has_open_reports(conn, at_least=2)
        work.end(conn, held, state=WorkState.DONE)
        assert not work.has_open_reports(conn, at_least=2)


def test_the_door_is_wide_by_default() -> None:
    assert ApiSettings().max_open_units == 100_000
