"""What is logged of a request, and what happens when a part fails."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from api.settings import ApiSettings
from storage import reports
from storage.errors import DatabaseUnavailableError, InvalidReportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Api

CANARY = "ZZPHI-log-0815"


def lines_of(api: Api, request_id: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in api.log.getvalue().splitlines()]
    return [line for line in lines if line.get("request") == request_id]


def test_a_request_is_one_line_with_the_template_of_its_route(api: Api) -> None:
    with api.client("reports:read") as client:
        answer = client.get(f"/v1/reports/rep_{CANARY}", params={"include": "text"})
    [line] = lines_of(api, answer.headers["x-request-id"])
    assert line["event"] == "request"
    assert line["route"] == "/v1/reports/{id}"
    assert (line["method"], line["status"]) == ("GET", 403)
    assert line["code"] == "SCOPE_MISSING"
    assert line["seconds"] >= 0
    with api.database.read() as conn:
        from storage import keys

        assert line["key"] == keys.list_all(conn)[-1].id


def test_health_is_logged_only_when_it_fails(api: Api) -> None:
    with api.anonymous() as client:
        answer = client.get("/healthz/live")
    assert lines_of(api, answer.headers["x-request-id"]) == []


def test_nothing_that_a_client_sends_is_logged(api: Api) -> None:
    report = {"text": f"Marrow oedema. {CANARY}", "patient": {"id": CANARY}, "source": CANARY}
    with api.client() as client:
        client.post("/v1/reports", json=report, headers={"User-Agent": CANARY, "Prefer": CANARY})
        client.post("/v1/reports", json=report | {CANARY: CANARY})
        client.post("/v1/extract", content=CANARY, headers={"Content-Type": "application/json"})
        client.get("/v1/reports", params={"source": CANARY, CANARY: CANARY})
        client.get("/v1/reports", params={"cursor": CANARY})
        client.get(f"/{CANARY}")
        client.get("/v1/reports", headers={"X-API-Key": CANARY, "Authorization": CANARY})
        client.request(CANARY, "/v1/reports")
        client.get("/v1/reports", params={"source": CANARY})
    assert api.log.getvalue().count('"event": "request"') >= 8
    assert CANARY not in api.log.getvalue()
    api.desk.work()


def test_an_error_nobody_foresaw_is_a_problem_and_its_message_stays_inside(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"the report says {CANARY}")

    monkeypatch.setattr(reports, "accept", fail)
    with api.client() as client:
        answer = client.post("/v1/reports", json={"text": CANARY})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "INTERNAL_ERROR"
    failure, line = lines_of(api, answer.headers["x-request-id"])
    assert failure["error_type"] == "RuntimeError"
    assert any("api/routes/reports.py" in frame for frame in failure["frames"])
    assert line["status"] == 500
    assert CANARY not in answer.text + api.log.getvalue()


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (DatabaseUnavailableError, 503, "STORAGE_UNAVAILABLE"),
        (lambda: InvalidReportError("patient.id", "is odd"), 422, "VALIDATION_FAILED"),
    ],
)
def test_what_the_database_refuses_is_a_problem(
    api: Api,
    monkeypatch: pytest.MonkeyPatch,
    *,
    error: Callable[[], Exception],
    status: int,
    code: str,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error()

    monkeypatch.setattr(reports, "accept", refuse)
    with api.client() as client:
        answer = client.post("/v1/reports", json={"text": "Normal."})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARROW_PORT", "9000")
    monkeypatch.setenv("MARROW_MAX_WAIT_S", "2")
    settings = ApiSettings()
    assert (settings.port, settings.max_wait_s) == (9000, 2.0)


def test_other_libraries_log_no_messages(api: Api) -> None:
    logging.getLogger("somebody").warning("read %s", CANARY)
    structlog.get_logger().info("event", text=CANARY, request="r-1")
    assert CANARY not in api.log.getvalue()
    assert lines_of(api, "r-1")
