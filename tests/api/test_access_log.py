"""Who did what stands in the access log, before anything of a patient leaves the house."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from api.access import Note, entry_of
from api.access_log import AccessLog, folded
from api.scopes import Scope
from api.security import ANY_KEY, PUBLIC, declared_action
from storage import access_log, keys
from storage.access_check import check
from storage.access_model import DISCLOSING, Action, Entry, Outcome
from storage.errors import DatabaseUnavailableError
from tests.services import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from storage.database import Database
    from tests.api.conftest import Api

CANARY = "ZZPHI-access-0815"
ACTIONS = {
    "POST /v1/reports": Action.SUBMIT,
    "GET /v1/reports": Action.SEARCH,
    "GET /v1/reports/{id}": Action.READ,
    "GET /v1/reports/{id}/fhir": Action.READ,
    "DELETE /v1/reports/{id}": Action.DELETE,
    "POST /fhir": Action.SUBMIT,
    "POST /fhir/DiagnosticReport": Action.SUBMIT,
    "GET /fhir/DiagnosticReport/{id}": Action.READ,
    "GET /fhir/async/{id}": Action.READ,
    "POST /v1/extract": Action.EXTRACT,
    "GET /v1/patterns": Action.FOLLOW,
    "POST /v1/audits": Action.SUBMIT,
    "GET /v1/audits": Action.FOLLOW,
    "GET /v1/audits/{id}": Action.FOLLOW,
    "DELETE /v1/audits/{id}": Action.DELETE,
    "GET /v1/audits/{id}/events": Action.FOLLOW,
    "POST /v1/audits/{id}/cancel": Action.CHANGE,
    "GET /v1/audits/{id}/cases": Action.SEARCH,
    "GET /v1/audits/{id}/failures": Action.FOLLOW,
    "GET /v1/audits/{id}/results": Action.EXPORT,
    "GET /v1/audits/{id}/fhir": Action.EXPORT,
    "GET /v1/audits/{id}/report": Action.EXPORT,
    "GET /v1/audits/{id}/files/{file}": Action.EXPORT,
    "POST /v1/audits/preview": Action.EXTRACT,
    "POST /v1/audits/{id}/samples": Action.CHANGE,
    "GET /v1/audits/{id}/samples": Action.FOLLOW,
    "GET /v1/audits/{id}/samples/{sample}": Action.FOLLOW,
    "DELETE /v1/audits/{id}/samples/{sample}": Action.DELETE,
    "GET /v1/audits/{id}/samples/{sample}/items": Action.SEARCH,
    "GET /v1/audits/{id}/samples/{sample}/items/{item}": Action.READ,
    "PUT /v1/audits/{id}/samples/{sample}/items/{item}/decision": Action.CHANGE,
    "DELETE /v1/audits/{id}/samples/{sample}/items/{item}/decision": Action.CHANGE,
    "GET /v1/audits/{id}/samples/{sample}/disagreements": Action.SEARCH,
    "PUT /v1/audits/{id}/samples/{sample}/items/{item}/verdict": Action.CHANGE,
    "GET /v1/audits/{id}/samples/{sample}/validation": Action.FOLLOW,
    "GET /audits": Action.FOLLOW,
    "POST /audits": Action.SUBMIT,
    "POST /audits/uploads": Action.SUBMIT,
    "GET /audits/new": Action.EXTRACT,
    "POST /audits/new": Action.EXTRACT,
    "GET /audits/{id}": Action.FOLLOW,
    "POST /audits/{id}/cancel": Action.CHANGE,
    "POST /audits/{id}/delete": Action.DELETE,
    "GET /audits/{id}/figures/{name}": Action.FOLLOW,
    "GET /audits/{id}/files/{file}": Action.EXPORT,
    "GET /audits/{id}/cases": Action.SEARCH,
    "GET /audits/{id}/cases.json": Action.SEARCH,
    "GET /audits/{id}/cases/{number}": Action.READ,
    "GET /audits/{id}/failures": Action.FOLLOW,
    "GET /audits/{id}/patients": Action.SEARCH,
    "GET /audits/{id}/patients/{row}": Action.READ,
    "GET /audits/{id}/patients/{row}/timeline.svg": Action.READ,
    "GET /audits/{id}/review": Action.FOLLOW,
    "POST /audits/{id}/review": Action.CHANGE,
    "GET /audits/{id}/review/{sample}": Action.READ,
    "POST /audits/{id}/review/{sample}/decisions": Action.CHANGE,
    "POST /audits/{id}/review/{sample}/undo": Action.CHANGE,
    "GET /audits/{id}/review/{sample}/disagreements": Action.SEARCH,
    "POST /audits/{id}/review/{sample}/verdicts": Action.CHANGE,
    "GET /audits/{id}/review/{sample}/validation": Action.FOLLOW,
    "OPTIONS /v1/uploads": Action.FOLLOW,
    "POST /v1/uploads": Action.SUBMIT,
    "HEAD /v1/uploads/{id}": Action.FOLLOW,
    "PATCH /v1/uploads/{id}": Action.SUBMIT,
    "DELETE /v1/uploads/{id}": Action.DELETE,
    "GET /v1/access-log": Action.READ_LOG,
    "GET /v1/access-log/head": Action.READ_LOG,
    "GET /v1/operations": Action.FOLLOW,
    "POST /v1/operations/requeue": Action.CHANGE,
    "GET /metrics": Action.FOLLOW,
    "GET /operations": Action.FOLLOW,
    "POST /operations/requeue": Action.CHANGE,
    "GET /access-log": Action.READ_LOG,
    "GET /reports": Action.SEARCH,
    "GET /reports.csv": Action.EXPORT,
    "GET /reports.json": Action.SEARCH,
    "GET /reports/{id}": Action.READ,
    "GET /try": Action.EXTRACT,
    "POST /try": Action.EXTRACT,
}


def entries(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/v1/access-log", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["entries"]
    return found


def entry_for(api: Api, answer: httpx.Response) -> dict[str, Any]:
    """Return the entry of a request, which may be written a moment after its answer."""
    with api.client("log:read") as auditor:
        [one] = wait_until(
            lambda: [
                one for one in entries(auditor) if one["request"] == answer.headers["x-request-id"]
            ],
            what="the entry",
        )
    return one


def test_every_route_has_an_action_in_the_log_or_is_public(api: Api) -> None:
    found = {}
    for context in iter_route_contexts(api.app.routes):
        route = context.original_route
        assert isinstance(route, APIRoute)
        for method in route.methods or ():
            action = declared_action(route)
            assert (action is None) == (route.path in PUBLIC | ANY_KEY), route.path
            if action is not None:
                found[f"{method} {route.path}"] = action
    assert found == ACTIONS


def test_a_reading_tells_who_what_when_and_from_where(api: Api) -> None:
    with api.client("reports:write") as client:
        posted = client.post("/v1/reports", json={"text": f"Effusion. {CANARY}"})
    before = datetime.now(UTC)
    token = api.key("reports:read", "text:read")
    with api.anonymous() as client:
        headers = {"Authorization": f"Bearer {token}"}
        answer = client.get(posted.headers["location"], params={"include": "text"}, headers=headers)
    one = entry_for(api, answer)
    assert one["caller"] == "key:" + token.split("_")[1]
    assert (one["action"], one["outcome"], one["status"]) == ("read_text", "done", 200)
    assert (one["method"], one["route"]) == ("GET", "/v1/reports/{id}")
    assert one["target"] == posted.json()["id"]
    assert one["peer"] == "127.0.0.1"
    assert abs(datetime.fromisoformat(one["at"]) - before) < timedelta(seconds=20)
    submitted = entry_for(api, posted)
    assert (submitted["action"], submitted["target"]) == ("submit", posted.json()["id"])


def test_a_disclosure_stands_in_the_log_before_its_answer(api: Api) -> None:
    with api.client("reports:read", "log:read") as client:
        for _ in range(5):
            answer = client.get("/v1/reports")
            found = entries(client, page_size=20)
            assert [one for one in found if one["request"] == answer.headers["x-request-id"]]


def test_what_cannot_be_logged_is_not_given_out(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise DatabaseUnavailableError

    with api.client() as client:
        posted = client.post("/v1/reports", json={"text": f"Effusion. {CANARY}"})
        with monkeypatch.context() as patch:
            patch.setattr(access_log, "append", fail)
            answer = client.get(posted.headers["location"], params={"include": "text"})
            assert (answer.status_code, answer.json()["code"]) == (503, "STORAGE_UNAVAILABLE")
            assert CANARY not in answer.text
            other = client.get("/v1/audits")
            assert other.status_code == 200, "counts are of no patient"
        # What nobody waited for is kept, and written once it can be.
        assert entry_for(api, other)["action"] == "follow"
        assert entry_for(api, answer)["outcome"] == "failed"


@pytest.mark.parametrize(
    ("path", "code", "action"),
    [
        ("/v1/reports", "SCOPE_MISSING", "search"),
        ("/v1/audits/aud_00000000000000000000000000/report", "SCOPE_MISSING", "export"),
        ("/v1/access-log", "SCOPE_MISSING", "read_log"),
    ],
)
def test_a_refusal_is_logged(api: Api, path: str, code: str, action: str) -> None:
    with api.client("extract") as client:
        one = entry_for(api, client.get(path))
    assert (one["outcome"], one["code"], one["action"]) == ("refused", code, action)
    assert one["caller"].startswith("key:")


def test_a_stranger_is_logged_without_a_name(api: Api) -> None:
    with api.anonymous() as client:
        one = entry_for(api, client.get("/v1/reports"))
    assert (one["caller"], one["code"], one["status"]) == (None, "KEY_MISSING", 401)


def test_a_failed_sign_in_names_the_key_only_where_it_is_one_of_ours(api: Api) -> None:
    with api.database.begin() as conn:
        revoked = keys.create(conn, api.pepper, name="x", scopes=Scope)
        keys.revoke(conn, revoked.key.id)
    with api.anonymous() as client:
        tokens = {
            "/v1/reports": revoked.token,
            "/v1/audits": CANARY,
            "/v1/patterns": f"marrow_{'a' * 8}_{'b' * 49}",
        }
        answers = [client.get(path, headers={"X-API-Key": token}) for path, token in tokens.items()]
    assert [entry_for(api, answer)["caller"] for answer in answers] == [
        f"key:{revoked.key.id}",
        None,
        None,
    ]
    with api.client("log:read") as auditor:
        found = entries(auditor, question="failed-sign-ins")
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert ids <= {one["request"] for one in found}
    assert {one["action"] for one in found} == {"sign_in"}


def test_exports_and_after_hours_are_found_page_by_page(api: Api) -> None:
    with api.client() as client:
        posted = client.post("/v1/reports", json={"text": "Effusion."})
        for _ in range(3):
            client.get(posted.headers["location"], params={"include": "text"})
        found = entries(client, question="exports", target=posted.json()["id"])
        assert [one["action"] for one in found] == ["read_text"] * 3
        first = client.get("/v1/access-log", params={"question": "exports", "page_size": 1}).json()
        query = {"question": "exports", "page_size": 1, "cursor": first["next_cursor"]}
        second = client.get("/v1/access-log", params=query).json()
        assert second["entries"][0]["seq"] < first["entries"][0]["seq"]
        other = query | {"question": "all"}
        assert client.get("/v1/access-log", params=other).json()["code"] == "BAD_CURSOR"
        # There is no hour that both of these call working time.
        hours = [("00:00", "12:00"), ("12:00", "23:59")]
        late = [
            entries(client, question="after-hours", opens=opens, closes=closes)
            for opens, closes in hours
        ]
        assert late[0] or late[1]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"timezone": f"Europe/{CANARY}"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-11-26T07:00:00"}, "since"),
        ({"opens": CANARY}, "opens"),
        ({"question": CANARY}, "question"),
        ({"target": CANARY}, "target"),
    ],
)
def test_a_question_that_makes_no_sense_is_pointed_at_and_not_repeated(
    client: httpx.Client, query: dict[str, str], parameter: str
) -> None:
    answer = client.get("/v1/access-log", params=query)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["parameter"] == parameter
    assert error["code"] in {"WRONG_FORM", "NOT_ALLOWED"}
    assert CANARY not in answer.text


def test_nothing_that_a_client_sends_stands_in_the_log(api: Api) -> None:
    report = {"text": f"Marrow oedema. {CANARY}", "patient": {"id": CANARY}, "source": CANARY}
    with api.client() as client:
        client.post("/v1/reports", json=report, headers={"User-Agent": CANARY, "Prefer": CANARY})
        client.post("/v1/reports", json=report | {CANARY: CANARY})
        client.get("/v1/reports", params={"source": CANARY, CANARY: CANARY})
        client.get(f"/v1/reports/{CANARY}")
        client.get(f"/v1/reports/rep_{CANARY}", headers={"X-Forwarded-For": CANARY})
        client.get("/v1/reports", headers={"X-API-Key": CANARY, "Authorization": CANARY})
        client.request(CANARY, "/v1/reports")
        last = client.get(f"/v1/audits/{CANARY}/files/{CANARY}")
        entry_for(api, last)
        found = entries(client, page_size=200)
    assert len(found) >= 7
    assert CANARY not in str(found)


def test_an_address_that_a_proxy_passed_on_is_one(api: Api) -> None:
    del api
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "client": (CANARY, 1),
        "state": {"access_note": Note(action=Action.READ)},
    }
    one = entry_of(scope, 200, None)
    assert one is not None
    assert one.peer is None


def test_where_nothing_is_and_what_is_public_leaves_no_entry(api: Api) -> None:
    with api.client("log:read") as auditor, api.anonymous() as client:
        before = entries(auditor)[0]["seq"]
        for path in ("/healthz/live", "/openapi.json", f"/{CANARY}"):
            client.get(path)
        last = client.get("/v1/audits")
        entry_for(api, last)
        found = [one for one in entries(auditor) if one["seq"] > before]
    assert {one["route"] for one in found} <= {"/v1/audits", "/v1/access-log"}


def test_the_head_can_be_kept_elsewhere_and_found_again(api: Api) -> None:
    with api.client("log:read") as auditor:
        head = auditor.get("/v1/access-log/head").json()
    with api.database.read() as conn:
        from storage.access_model import Head

        found = check(conn, [Head.read(head["head"])])
    assert found.is_whole
    assert found.heads_matched == 1
    assert re.fullmatch(r"[0-9a-f]{64}", head["hash"])


@pytest.fixture
def own_log(database: Database) -> Iterator[AccessLog]:
    log = AccessLog(database, linger_s=0.05)
    log.start()
    yield log
    log.stop()


def test_what_waits_is_written_when_the_server_stops(database: Database) -> None:
    log = AccessLog(database, linger_s=60)
    log.start()
    for _ in range(3):
        log.put(Entry(Action.SUBMIT, Outcome.DONE))
    log.stop()
    with database.read() as conn:
        [only] = list(access_log_entries(conn))
    assert only.times == 3


def access_log_entries(conn: Any) -> list[Entry]:
    from storage.access_queries import Filters, list_page

    return [one.entry for one in list_page(conn, Filters()).entries]


def test_entries_are_kept_until_the_database_answers_again(
    own_log: AccessLog, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = access_log.append
    tries: list[int] = []

    def fail_at_first(conn: Any, some: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise DatabaseUnavailableError
        return real(conn, some)

    monkeypatch.setattr(access_log, "append", fail_at_first)
    own_log.put(Entry(Action.SUBMIT, Outcome.DONE, items=7))

    def written() -> list[Entry]:
        with database.read() as conn:
            return access_log_entries(conn)

    assert [one.items for one in wait_until(written, what="the entry")] == [7]
    assert len(tries) == 2


def test_more_than_can_be_held_is_counted_in_the_log(
    own_log: AccessLog, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from api import access_log as module

    monkeypatch.setattr(module, "MOST", 0)
    own_log.put(Entry(Action.SUBMIT, Outcome.DONE))
    monkeypatch.undo()
    own_log.put(Entry(Action.SUBMIT, Outcome.DONE))

    def lost() -> list[int | None]:
        with database.read() as conn:
            return [one.items for one in access_log_entries(conn) if one.code == "ENTRIES_LOST"]

    assert wait_until(lost, what="the count") == [1]


def test_a_flood_of_the_same_refusal_is_one_entry() -> None:
    flood = [
        Entry(Action.READ, Outcome.REFUSED, peer="10.0.0.9", request=str(number))
        for number in range(100)
    ]
    other = Entry(Action.READ, Outcome.REFUSED, peer="10.0.0.8", request="other")
    first, second = folded([*flood[:50], other, *flood[50:]])
    assert (first.times, first.request, first.peer) == (100, "0", "10.0.0.9")
    assert (second.times, second.request) == (1, "other")


def test_what_gives_patient_data_out_is_waited_for() -> None:
    assert {Action.SEARCH, Action.READ, Action.READ_TEXT, Action.EXPORT} <= DISCLOSING
    assert Action.SUBMIT not in DISCLOSING
