"""The way of a report over HTTP: posted, read, looked up, amended, deleted; on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import TypeAdapter

from api.views import AcceptedReports, ReportView
from tests.api.conftest import HIP_MRI

if TYPE_CHECKING:
    import httpx

    from tests.api.conftest import Api

ODD_TEXT = (
    "\ufeff MRI HIP\r\n\tFINDINGS:\u00a0marrow o\u0308edema \U0001f9b4 of the LEFT femoral head.\x0b\r"
    "\u202eNo effusion.\u202c  \n\n"
)


@pytest.fixture(params=["api", "postgres_api"], ids=["sqlite", "postgresql"])
def any_api(request: pytest.FixtureRequest) -> Api:
    """The server, once on each database."""
    server: Api = request.getfixturevalue(request.param)
    return server


def report(number: int, **more: Any) -> dict[str, Any]:
    """Return a report that no other test posts."""
    study = {"modality": "MR", "date": "2026-03-01", "accession": f"A-{number}"}
    return {"text": HIP_MRI, "source": "reports-test", "study": study} | more


def post_and_wait(
    api: Api, client: httpx.Client, body: dict[str, Any], *, prefer: str = "wait=20"
) -> httpx.Response:
    """Post while the work is done beside it."""
    with ThreadPoolExecutor(1) as beside:
        answer = beside.submit(client.post, "/v1/reports", json=body, headers={"Prefer": prefer})
        api.desk.work()
        return answer.result(timeout=30)


def assert_quotes(text: str, result: dict[str, Any]) -> None:
    """Check that every span of a result quotes the text that was posted."""
    for mention in result["mentions"]:
        assert text[mention["start"] : mention["end"]] == mention["quote"]
        for cue in mention["cues"]:
            assert text[cue["start"] : cue["end"]] == cue["quote"]


def test_a_report_is_accepted_then_read_then_there(any_api: Api) -> None:
    with any_api.client() as client:
        answer = client.post("/v1/reports", json=report(1, report_id="RAD-1"))
        assert answer.status_code == 202
        assert answer.headers["retry-after"] == "1"
        location = answer.headers["location"]
        queued = answer.json()
        assert location == queued["links"]["self"] == f"/v1/reports/{queued['id']}"
        assert (queued["state"], queued["result"]) == ("queued", None)
        any_api.desk.work()
        done = client.get(location).json()
    TypeAdapter(ReportView).validate_python(done)
    assert (done["state"], done["report_id"], done["version"]) == ("done", "RAD-1", 1)
    assert done["study"]["accession"] == "A-1"
    assert done["accepted_at"].endswith("Z")
    assert "text" not in done
    assert done["result"]["report_id"] == "RAD-1"
    assert done["result"]["assessment"]["level"] == done["level"]
    assert done["result"]["mentions"]
    assert_quotes(HIP_MRI, done["result"])


def test_a_client_that_prefers_to_wait_gets_the_result(any_api: Api) -> None:
    with any_api.client() as client:
        answer = post_and_wait(any_api, client, report(2))
    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "wait=20"
    assert answer.json()["state"] == "done"
    assert_quotes(HIP_MRI, answer.json()["result"])


def test_a_client_whose_patience_ends_first_gets_the_address(api: Api) -> None:
    with api.client() as client:
        answer = client.post("/v1/reports", json=report(3), headers={"Prefer": "wait=1"})
        assert answer.status_code == 202
        assert "preference-applied" not in answer.headers
        assert 1 <= answer.elapsed.total_seconds() < 5
        api.desk.work()
        assert client.get(answer.headers["location"]).json()["state"] == "done"


def test_others_are_served_while_many_wait(api: Api) -> None:
    with api.client() as client, ThreadPoolExecutor(60) as beside:
        waiting = [
            beside.submit(
                client.post, "/v1/reports", json=report(100 + n), headers={"Prefer": "wait=20"}
            )
            for n in range(60)
        ]
        assert client.get("/v1/reports").elapsed.total_seconds() < 15
        api.desk.work(len(waiting))
        assert {answer.result().status_code for answer in waiting} == {200}


@pytest.mark.parametrize("text", [ODD_TEXT, "x", "\u0001", "\\n", "a" * 200_000])
def test_the_text_is_stored_and_read_as_it_was_posted(api: Api, text: str) -> None:
    api.wait_for_patterns()
    with api.client() as client:
        answer = post_and_wait(api, client, {"text": text, "source": "odd"})
        assert_quotes(text, answer.json()["result"])
        found = client.get(answer.headers["location"], params={"include": "text"})
        direct = client.post("/v1/extract", json={"text": text})
    assert found.json()["text"] == text
    assert direct.json() == answer.json()["result"]


def test_the_same_report_again_is_the_same_report(any_api: Api) -> None:
    with any_api.client() as client:
        first = post_and_wait(any_api, client, report(4))
        again = client.post("/v1/reports", json=report(4))
    assert again.status_code == 200
    assert again.json() == first.json()


def test_another_text_for_the_same_accession_is_an_amendment(any_api: Api) -> None:
    with any_api.client() as client:
        first = post_and_wait(any_api, client, report(5)).json()
        amended = post_and_wait(any_api, client, report(5, text="Normal hips.")).json()
        old = client.get(first["links"]["self"]).json()
        query = {"source": "reports-test", "latest_only": "true", "page_size": "1000"}
        latest = client.get("/v1/reports", params=query).json()["reports"]
    assert (first["version"], amended["version"]) == (1, 2)
    assert old["superseded_by"] == amended["id"]
    assert old["result"] == first["result"]
    assert amended["id"] in {one["id"] for one in latest}
    assert first["id"] not in {one["id"] for one in latest}


def test_a_batch_is_accepted_in_its_order(any_api: Api) -> None:
    batch = [report(200 + n, report_id=f"R{n}") for n in range(250)]
    batch.append(batch[0])
    with any_api.client() as client:
        answer = client.post("/v1/reports", json={"reports": batch})
        assert answer.status_code == 202
        assert answer.headers["location"] == "/v1/reports"
        assert answer.headers["retry-after"] == "1"
        accepted = answer.json()["reports"]
        TypeAdapter(AcceptedReports).validate_python(answer.json())
        assert [one["report_id"] for one in accepted] == [*(f"R{n}" for n in range(250)), "R0"]
        assert [one["is_new"] for one in accepted] == [True] * 250 + [False]
        assert accepted[-1]["id"] == accepted[0]["id"]
        any_api.desk.work(3)  # units of up to a hundred reports
        done = client.get(accepted[249]["links"]["self"]).json()
    assert done["state"] == "done"


def test_a_deleted_report_is_gone(any_api: Api) -> None:
    with any_api.client() as client:
        address = post_and_wait(any_api, client, report(6)).headers["location"]
        gone = client.delete(address)
        assert (gone.status_code, gone.content) == (204, b"")
        for answer in (client.get(address), client.delete(address)):
            assert answer.status_code == 410
            assert answer.json()["code"] == "REPORT_DELETED"
        assert client.get(f"{address[:-1]}~").status_code == 404


def test_a_request_sent_again_does_not_bring_a_deleted_report_back(any_api: Api) -> None:
    body, once = report(17), {"Idempotency-Key": "deleted-17"}
    with any_api.client() as client:
        address = client.post("/v1/reports", json=body, headers=once).headers["location"]
        any_api.desk.work()
        assert client.delete(address).status_code == 204
        assert client.post("/v1/reports", json=body, headers=once).status_code == 410
        # What was sent is not known any more, so neither is whether this is the same.
        assert client.post("/v1/reports", json=report(18), headers=once).status_code == 410
        assert client.post("/v1/reports", json=body).status_code == 202
        any_api.desk.work()


def test_no_batch_is_taken_for_one_of_which_a_report_was_deleted(any_api: Api) -> None:
    body = {"reports": [report(19) | {"report_id": "R-19"}, report(20) | {"report_id": "R-20"}]}
    once = {"Idempotency-Key": "deleted-19"}
    with any_api.client() as client:
        first = client.post("/v1/reports", json=body, headers=once).json()["reports"]
        any_api.desk.work()
        client.delete(first[0]["links"]["self"])
        other = {"reports": [report(21), report(22)]}
        for again in (body, other):
            answer = client.post("/v1/reports", json=again, headers=once)
            assert (answer.status_code, answer.json()["code"]) == (410, "REPORT_DELETED")
            assert "R-" not in answer.text
        assert client.get(first[1]["links"]["self"]).json()["state"] == "done"


def test_reading_text_takes_a_scope_of_its_own(api: Api) -> None:
    with api.client() as client:
        address = post_and_wait(api, client, report(7)).headers["location"]
    with api.client("reports:read") as reader:
        refused = reader.get(address, params={"include": "text"})
        assert refused.status_code == 403
        assert "`text:read`" in refused.json()["detail"]
        assert "text" not in reader.get(address).json()
    with api.client("reports:read", "text:read") as reader:
        assert reader.get(address, params={"include": "text"}).json()["text"] == HIP_MRI


def test_a_list_is_walked_page_by_page_while_reports_arrive(any_api: Api) -> None:
    source = "walked"
    with any_api.client() as client:
        batch = [{"text": f"Report {n}.", "source": source} for n in range(25)]
        posted = client.post("/v1/reports", json={"reports": batch}).json()["reports"]
        seen: list[str] = []
        query: dict[str, Any] = {"source": source, "page_size": 10}
        while True:
            page = client.get("/v1/reports", params=query).json()
            seen += [one["id"] for one in page["reports"]]
            if page["next_cursor"] is None:
                break
            query["cursor"] = page["next_cursor"]
            client.post("/v1/reports", json={"text": f"Late {len(seen)}.", "source": source})
        assert seen == [one["id"] for one in reversed(posted)]
        any_api.desk.work(3)


def test_a_cursor_is_bound_to_its_filters(api: Api) -> None:
    with api.client() as client:
        batch = [{"text": f"Bound {n}.", "source": "bound"} for n in range(3)]
        client.post("/v1/reports", json={"reports": batch})
        first = client.get("/v1/reports", params={"source": "bound", "page_size": 2}).json()
        cursor = first["next_cursor"]
        wider = client.get("/v1/reports", params={"cursor": cursor})
        assert (wider.status_code, wider.json()["code"]) == (400, "BAD_CURSOR")
        tampered = cursor[:-1] + ("a" if cursor[-1] != "a" else "b")
        forged = client.get("/v1/reports", params={"source": "bound", "cursor": tampered})
        assert (forged.status_code, forged.json()["code"]) == (400, "BAD_CURSOR")
        api.desk.work()


def test_a_list_is_filtered_by_what_was_found(any_api: Api) -> None:
    source = "filtered"
    texts = {
        "ill": HIP_MRI,
        "well": "MRI LEFT HIP. FINDINGS: No bone marrow oedema. No joint effusion.",
    }
    with any_api.client() as client:
        for number, (name, text) in enumerate(texts.items()):
            study = {"modality": "MR", "date": f"2026-0{number + 1}-15"}
            body = {"text": text, "source": source, "report_id": name, "study": study}
            post_and_wait(any_api, client, body)

        def names(**query: str) -> set[str]:
            answer = client.get("/v1/reports", params={"source": source, **query})
            return {one["report_id"] for one in answer.json()["reports"]}

        assert names() == {"ill", "well"}
        assert names(finding="marrow_oedema", status="affirmed") == {"ill"}
        assert names(finding="marrow_oedema", status="negated") == {"well"}
        assert names(finding="marrow_oedema", site="femoral_head") == {"ill"}
        assert names(study_date_from="2026-02-01") == {"well"}
        assert names(study_date_to="2026-01-15") == {"ill"}
        assert names(state="done") == {"ill", "well"}
        assert names(state="failed") == set()
        level = client.get("/v1/reports", params={"source": source}).json()["reports"][-1]["level"]
        assert "ill" in names(level=level)


def test_a_request_sent_again_under_its_idempotency_key_is_done_once(any_api: Api) -> None:
    headers = {"Idempotency-Key": "once-1"}
    body = {"text": "Normal hips.", "source": "once"}
    with any_api.client() as client:
        first = client.post("/v1/reports", json=body, headers=headers)
        again = client.post("/v1/reports", json=body, headers=headers)
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
        assert again.json() == first.json()
        other = client.post("/v1/reports", json=body | {"text": "Other."}, headers=headers)
        assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
        any_api.desk.work()
        done = client.post("/v1/reports", json=body, headers=headers)
        assert (done.status_code, done.json()["state"]) == (200, "done")
    with any_api.client() as another:
        theirs = another.post("/v1/reports", json=body, headers=headers)
        assert "idempotency-replayed" not in theirs.headers


def test_a_batch_sent_again_gives_the_same_answer(any_api: Api) -> None:
    headers = {"Idempotency-Key": "once-2"}
    body = {"reports": [{"text": f"Once {n}.", "source": "once-many"} for n in range(3)]}
    with any_api.client() as client:
        first = client.post("/v1/reports", json=body, headers=headers)
        again = client.post("/v1/reports", json=body, headers=headers)
        assert again.json() == first.json()
        assert [one["is_new"] for one in again.json()["reports"]] == [True] * 3
        listed = client.get("/v1/reports", params={"source": "once-many"}).json()["reports"]
        assert len(listed) == 3
    any_api.desk.work()


def test_many_at_once_under_one_idempotency_key_are_done_once(any_api: Api) -> None:
    headers = {"Idempotency-Key": "once-3"}
    body = {"text": "At once.", "source": "once-race"}
    with any_api.client() as client, ThreadPoolExecutor(8) as beside:
        racing = [
            beside.submit(client.post, "/v1/reports", json=body, headers=headers) for _ in range(8)
        ]
        answers = [answer.result() for answer in racing]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    any_api.desk.work()


@pytest.mark.parametrize("word", ["", "a" * 201, "a" * 5000, "caf\u00e9"])
def test_an_idempotency_key_of_the_wrong_form_is_refused(api: Api, word: str) -> None:
    headers = {b"Idempotency-Key": word.encode()}
    with api.client() as client:
        answer = client.post("/v1/reports", json={"text": "x"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_FAILED")
    [error] = answer.json()["errors"]
    assert error["parameter"].lower() == "idempotency-key"
