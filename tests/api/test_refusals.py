"""Whatever is wrong with a request, the answer says what to mend and repeats nothing of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from api.problems import KINDS, Code
from extractor import MAX_TEXT_CHARS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.api.conftest import Api

CANARY = "ZZPHI-4711"
REPORT = {"text": f"Bone marrow oedema. {CANARY}"}
BOTH = pytest.mark.parametrize("path", ["/v1/reports", "/v1/extract"])


def assert_problem(answer: httpx.Response, code: Code) -> dict[str, Any]:
    """Check the form of a problem, that it echoes nothing, and return it."""
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code
    assert answer.status_code == problem["status"] == KINDS[code].status
    assert problem["title"] == KINDS[code].title
    assert problem["type"] == f"urn:marrow:problem:{code.lower().replace('_', '-')}"
    assert problem["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    assert problem["detail"]
    assert isinstance(problem["errors"], list)
    assert "ZZPHI" not in answer.text
    assert "ZZPHI" not in str(answer.headers)
    return problem


def fault(problem: dict[str, Any]) -> tuple[str, str]:
    """Return pointer and code of the only fault."""
    [error] = problem["errors"]
    return error["pointer"], error["code"]


def _post(client: httpx.Client, path: str, body: object) -> httpx.Response:
    # Not `json=body`: for None that sends no body at all.
    return client.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})


WRONG_BODIES = [
    ({"text": ""}, "/text", "TOO_SHORT"),
    ({"text": " \n\t\u00a0"}, "/text", "TEXT_EMPTY"),
    ({"text": "a" * (MAX_TEXT_CHARS + 1)}, "/text", "TOO_LONG"),
    ({"text": f"{CANARY}\0"}, "/text", "NUL_CHARACTER"),
    ({"text": None}, "/text", "WRONG_TYPE"),
    ({"text": 4711}, "/text", "WRONG_TYPE"),
    ({"text": [CANARY]}, "/text", "WRONG_TYPE"),
    ({}, "/text", "REQUIRED"),
    ({"report_id": CANARY}, "/text", "REQUIRED"),
    (REPORT | {"patient": CANARY}, "/patient", "WRONG_TYPE"),
    (REPORT | {"patient": {"age_years": "47"}}, "/patient/age_years", "WRONG_TYPE"),
    (REPORT | {"patient": {"age_years": 4711}}, "/patient/age_years", "OUT_OF_RANGE"),
    (REPORT | {"patient": {"age_years": -1}}, "/patient/age_years", "OUT_OF_RANGE"),
    (REPORT | {"patient": {"age_years": 4.5}}, "/patient/age_years", "WRONG_TYPE"),
    (REPORT | {"patient": {"sex": CANARY}}, "/patient/sex", "NOT_ALLOWED"),
    (REPORT | {"patient": {"id": f"{CANARY}\n"}}, "/patient/id", "CONTROL_CHARACTER"),
    (REPORT | {"study": {"date": CANARY}}, "/study/date", "WRONG_FORM"),
    (REPORT | {"study": {"date": "2026-02-30"}}, "/study/date", "WRONG_FORM"),
    (REPORT | {"study": {"modality": CANARY}}, "/study/modality", "WRONG_FORM"),
    (REPORT | {"study": {"accession": CANARY * 40}}, "/study/accession", "TOO_LONG"),
    (REPORT | {"report_id": "\0"}, "/report_id", "CONTROL_CHARACTER"),
    (REPORT | {CANARY: 1}, "", "UNKNOWN_FIELD"),
    (REPORT | {"patient": {CANARY: CANARY}}, "/patient", "UNKNOWN_FIELD"),
    ([CANARY], "", "WRONG_TYPE"),
    (CANARY, "", "WRONG_TYPE"),
    (None, "", "WRONG_TYPE"),
]


@BOTH
@pytest.mark.parametrize(("body", "pointer", "code"), WRONG_BODIES)
def test_a_wrong_body_is_pointed_at_and_not_repeated(
    client: httpx.Client, *, path: str, body: object, pointer: str, code: str
) -> None:
    problem = assert_problem(_post(client, path, body), Code.VALIDATION_FAILED)
    assert fault(problem) == (pointer, code)


def test_a_wrong_report_of_a_batch_is_named_by_its_place_and_none_is_stored(
    client: httpx.Client,
) -> None:
    source = "refused-batch"
    batch = [REPORT | {"source": source}, {"text": 4711, "source": source}]
    problem = assert_problem(
        client.post("/v1/reports", json={"reports": batch}), Code.VALIDATION_FAILED
    )
    assert fault(problem) == ("/reports/1/text", "WRONG_TYPE")
    assert client.get("/v1/reports", params={"source": source}).json()["reports"] == []


@pytest.mark.parametrize(
    ("reports", "code"),
    [([], "TOO_SHORT"), ([REPORT] * 1001, "TOO_LONG"), (CANARY, "WRONG_TYPE")],
)
def test_a_batch_of_the_wrong_size_is_refused(
    client: httpx.Client, reports: object, code: str
) -> None:
    answer = client.post("/v1/reports", json={"reports": reports})
    assert fault(assert_problem(answer, Code.VALIDATION_FAILED)) == ("/reports", code)


def test_many_faults_are_answered_in_short(client: httpx.Client) -> None:
    answer = client.post("/v1/reports", json={"reports": [{"text": CANARY, "sex": 1}] * 500})
    problem = assert_problem(answer, Code.VALIDATION_FAILED)
    assert len(problem["errors"]) == 20
    assert "480 more" in problem["detail"]


def test_a_misspelt_field_gets_a_suggestion(client: httpx.Client) -> None:
    answer = client.post("/v1/reports", json=REPORT | {"acession": CANARY})
    [error] = assert_problem(answer, Code.VALIDATION_FAILED)["errors"]
    assert "`accession`" in error["detail"]
    assert "acession" not in answer.text


@BOTH
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", Code.INVALID_JSON),
        (b'{"text": "ZZPHI', Code.INVALID_JSON),
        (b"ZZPHI", Code.INVALID_JSON),
        (b'{"text": "ZZPHI\x00"}', Code.INVALID_JSON),
        (b'{"text": "ZZPHI"} ZZPHI', Code.INVALID_JSON),
        (b"[" * 1000, Code.INVALID_JSON),
        (b'{"text": "ZZPHI\\ud800"}', Code.INVALID_UNICODE),
        (b'{"text": "ZZPHI\\ud800\\u0041"}', Code.INVALID_UNICODE),
        (b'{"text": "ZZPHI\\udc00 ZZPHI"}', Code.INVALID_UNICODE),
        (b'{"text": "ZZPHI\xff"}', Code.INVALID_UNICODE),
        (b'{"text": "ZZPHI\xed\xa0\x80"}', Code.INVALID_UNICODE),
        ('{"text": "ZZPHI"}'.encode("utf-16"), Code.INVALID_JSON),
    ],
)
def test_what_is_no_json_is_told_where_it_breaks(
    client: httpx.Client, path: str, body: bytes, code: Code
) -> None:
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    problem = assert_problem(answer, code)
    assert "line 1, column" in problem["detail"]


@pytest.mark.parametrize(
    "media_type", ["text/html", "", "ZZPHI", "text", "multipart/form-data; boundary=ZZPHI"]
)
def test_another_kind_of_body_is_refused(client: httpx.Client, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    answer = client.post("/v1/reports", content=json.dumps(REPORT), headers=headers)
    assert_problem(answer, Code.UNSUPPORTED_MEDIA_TYPE)


def _pieces(total: int) -> Iterator[bytes]:
    for _ in range(total // 65_536 + 1):
        yield b"ZZPHI " * (65_536 // 6)


def test_a_body_that_is_declared_too_large_is_refused_before_it_is_read(
    api: Api, client: httpx.Client
) -> None:
    limit = api.app.state.service.settings.max_report_bytes
    answer = client.post("/v1/extract", content=b"Z" * (limit + 1))
    assert_problem(answer, Code.BODY_TOO_LARGE)
    assert answer.headers["connection"] == "close"


def test_a_chunked_body_is_counted(api: Api, client: httpx.Client) -> None:
    limit = api.app.state.service.settings.max_report_bytes
    answer = client.post(
        "/v1/extract",
        content=_pieces(limit + 65_536),
        headers={"Content-Type": "application/json"},
    )
    assert_problem(answer, Code.BODY_TOO_LARGE)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "ZZPHI"},
        {"Authorization": "Basic ZZPHI"},
        {"Authorization": "Bearer"},
        {"X-API-Key": ""},
    ],
)
def test_without_a_key_nothing_is_told_but_that(api: Api, headers: dict[str, str]) -> None:
    with api.anonymous() as stranger:
        answer = stranger.post("/v1/reports", json={"text": 1}, headers=headers)
    assert_problem(answer, Code.KEY_MISSING)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def _wrong_keys(right: str) -> Iterator[str]:
    yield "ZZPHI"
    yield right[:-1] + ("a" if right[-1] != "a" else "b")
    yield right[:20] + ("a" if right[20] != "a" else "b") + right[21:]
    yield right + "a"
    yield "marrow_" + "0" * 8 + "_" + "0" * 49


def test_a_wrong_key_opens_nothing(api: Api) -> None:
    with api.anonymous() as stranger:
        for wrong in _wrong_keys(api.key("reports:write")):
            for header in ({"Authorization": f"Bearer {wrong}"}, {"X-API-Key": wrong}):
                answer = stranger.post("/v1/reports", json=REPORT, headers=header)
                assert_problem(answer, Code.KEY_INVALID)
                assert wrong not in answer.text


def test_the_body_of_a_stranger_is_not_even_read(api: Api) -> None:
    with api.anonymous() as stranger:
        answer = stranger.post("/v1/reports", content=b"{")
    assert_problem(answer, Code.KEY_MISSING)


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/v1/reports", "reports:write"),
        ("GET", "/v1/reports", "reports:read"),
        ("GET", "/v1/reports/rep_0", "reports:read"),
        ("DELETE", "/v1/reports/rep_0", "reports:delete"),
        ("POST", "/v1/extract", "extract"),
        ("GET", "/v1/patterns", "reports:read"),
        ("POST", "/v1/audits", "audits:write"),
        ("GET", "/v1/audits", "audits:read"),
        ("GET", "/v1/audits/aud_0", "audits:read"),
        ("GET", "/v1/audits/aud_0/events", "audits:read"),
        ("GET", "/v1/audits/aud_0/cases", "audits:read"),
        ("GET", "/v1/audits/aud_0/results", "audits:read"),
        ("GET", "/v1/audits/aud_0/failures", "audits:read"),
        ("GET", "/v1/audits/aud_0/report", "audits:read"),
        ("GET", "/v1/audits/aud_0/files/cases.csv", "audits:read"),
        ("POST", "/v1/audits/aud_0/cancel", "audits:write"),
        ("DELETE", "/v1/audits/aud_0", "audits:delete"),
    ],
)
def test_a_key_does_only_what_it_was_made_for(api: Api, method: str, path: str, scope: str) -> None:
    others = [one for one in ("reports:write", "reports:read", "extract") if one != scope]
    with api.client(*others) as limited:
        answer = limited.request(method, path)
    problem = assert_problem(answer, Code.SCOPE_MISSING)
    assert f"`{scope}`" in problem["detail"]


@pytest.mark.parametrize("id_", ["rep_00000000000000000000000000", "ZZPHI", "rep_%00", "rep_%ff"])
def test_an_unknown_report_is_not_found(client: httpx.Client, id_: str) -> None:
    assert_problem(client.get(f"/v1/reports/{id_}"), Code.REPORT_NOT_FOUND)
    assert_problem(client.delete(f"/v1/reports/{id_}"), Code.REPORT_NOT_FOUND)


@pytest.mark.parametrize("path", ["/ZZPHI", "/v1/ZZPHI", "/v1/reports/a/ZZPHI", "/v1/reports/"])
def test_an_address_where_nothing_is(client: httpx.Client, path: str) -> None:
    assert_problem(client.get(path), Code.ROUTE_NOT_FOUND)


def test_a_method_that_an_address_does_not_take(client: httpx.Client) -> None:
    answer = client.put("/v1/reports", json=REPORT)
    assert_problem(answer, Code.METHOD_NOT_ALLOWED)
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("query", "parameter", "code"),
    [
        ({"state": CANARY}, "state", "NOT_ALLOWED"),
        ({"level": CANARY}, "level", "NOT_ALLOWED"),
        ({"status": CANARY}, "status", "NOT_ALLOWED"),
        ({"finding": CANARY}, "finding", "WRONG_FORM"),
        ({"site": "\0"}, "site", "WRONG_FORM"),
        ({"source": "\0"}, "source", "WRONG_FORM"),
        ({"study_date_from": CANARY}, "study_date_from", "WRONG_FORM"),
        ({"page_size": CANARY}, "page_size", "WRONG_TYPE"),
        ({"page_size": "0"}, "page_size", "OUT_OF_RANGE"),
        ({"page_size": "1001"}, "page_size", "OUT_OF_RANGE"),
        ({"latest_only": CANARY}, "latest_only", "WRONG_TYPE"),
        ({"cursor": "a" * 501}, "cursor", "TOO_LONG"),
    ],
)
def test_a_wrong_parameter_is_named(
    client: httpx.Client, query: dict[str, str], parameter: str, code: str
) -> None:
    problem = assert_problem(client.get("/v1/reports", params=query), Code.VALIDATION_FAILED)
    [error] = problem["errors"]
    assert (error["parameter"], error["code"]) == (parameter, code)


def test_an_unknown_parameter_is_refused_and_a_near_one_suggested(client: httpx.Client) -> None:
    answer = client.get("/v1/reports", params={"levle": "stated", CANARY: "1"})
    errors = assert_problem(answer, Code.VALIDATION_FAILED)["errors"]
    assert {error["code"] for error in errors} == {"UNKNOWN_PARAMETER"}
    assert "`level`" in errors[0]["detail"]
    assert "levle" not in answer.text


@pytest.mark.parametrize("cursor", ["ZZPHI", "WyJhIiwiYiJd.ZZPHI", "\u00e9", "", "a.b.c"])
def test_a_cursor_that_is_none_of_ours_is_refused(client: httpx.Client, cursor: str) -> None:
    answer = client.get("/v1/reports", params={"cursor": cursor})
    assert_problem(answer, Code.BAD_CURSOR)
