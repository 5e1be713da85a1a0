"""Audits over HTTP: an archive goes in, the files of `marrow audit` come out."""

from __future__ import annotations

import csv
import gzip
import io
import json
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import polars as pl
import pytest

from api.problems import Code
from storage.audit_model import AuditState
from tests.api.test_refusals import CANARY, assert_problem, fault
from tests.services import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.api.conftest import Api

HIP = (
    "MRI LEFT HIP. Marrow oedema of the left femoral head and neck, joint effusion. "
    f"In keeping with transient osteoporosis of the left hip. {CANARY}"
)
ROWS = [
    {"id": "R1", "text": HIP, "patient_id": "=P1", "date": "2020-01-02", "age": 44, "sex": "M"},
    {"id": "R2", "text": "CHEST X-RAY. Clear lungs.", "patient_id": "P2"},
    {"id": "R3", "text": HIP.replace("left", "right"), "patient_id": "P3", "date": "2021-01-02"},
]


def archive(rows: list[dict[str, Any]] | None = None) -> bytes:
    lines = [json.dumps(row) for row in (ROWS if rows is None else rows)]
    return "\n".join([*lines, "{" + CANARY]).encode()


def named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def post(client: httpx.Client, body: bytes, name: str = "export.jsonl", **query: Any) -> str:
    answer = client.post("/v1/audits", content=body, headers=named(name), params=query)
    assert answer.status_code == 202, answer.text
    id_: str = answer.json()["id"]
    assert answer.headers["location"] == f"/v1/audits/{id_}"
    return id_


def get(client: httpx.Client, id_: str) -> dict[str, Any]:
    view: dict[str, Any] = client.get(f"/v1/audits/{id_}").json()
    return view


@pytest.fixture(scope="module")
def done(api: Api) -> str:
    """An audit that is done."""
    with api.client() as client:
        id_ = post(client, archive())
    api.desk.work_on_audits()
    return id_


def test_an_upload_is_audited(api: Api, client: httpx.Client) -> None:
    id_ = post(client, archive(), focus="hip")
    waiting = get(client, id_)
    assert (waiting["state"], waiting["counts"]["reports"]) == ("queued", None)
    assert waiting["bytes"] == len(archive())
    api.desk.work_on_audits()
    view = get(client, id_)
    assert (view["state"], view["error"]) == ("done", None)
    assert view["arguments"] == {
        "focus": "hip", "map": [], "day_first": None, "since": None, "until": None,
    }  # fmt: skip
    counts = view["counts"]
    assert (counts["rows_read"], counts["refused"], counts["reports"]) == (4, 1, 3)
    assert (counts["passed_over"], counts["extracted"], counts["tagged"]) == (1, 2, 2)
    assert view["summary"]["cases"]["hips"] == 2
    assert view["engine"]["patterns_digest"].startswith("sha256:")
    assert view["finished_at"]


def test_gzip_and_names_beyond_ascii_are_read(api: Api, client: httpx.Client) -> None:
    headers = {"Content-Disposition": "attachment; filename*=UTF-8''H%C3%BCfte%20a.jsonl.gz"}
    answer = client.post("/v1/audits", content=gzip.compress(archive()), headers=headers)
    assert answer.json()["name"] == "Hüfte a.jsonl.gz"
    api.desk.work_on_audits()
    assert get(client, answer.json()["id"])["counts"]["reports"] == 3


def test_the_type_of_the_body_serves_as_a_name(api: Api, client: httpx.Client) -> None:
    body = b"befund;nummer\r\nMarrow oedema of the left hip;1\r\n"
    answer = client.post(
        "/v1/audits",
        content=body,
        headers={"Content-Type": "text/csv"},
        params={"map": ["text=befund", "accession=nummer"]},
    )
    assert answer.json()["name"] == "archive.csv"
    api.desk.work_on_audits()
    assert get(client, answer.json()["id"])["counts"]["reports"] == 1


def test_examinations_of_other_days_are_left_out_and_counted(
    api: Api, client: httpx.Client
) -> None:
    id_ = post(client, archive(), since="2020-01-03", until="2020-12-31")
    api.desk.work_on_audits()
    view = get(client, id_)
    assert (view["arguments"]["since"], view["arguments"]["until"]) == ("2020-01-03", "2020-12-31")
    counts = view["counts"]
    assert (counts["rows_read"], counts["refused"], counts["undesired"], counts["reports"]) == (
        4, 1, 2, 1,
    )  # fmt: skip
    steps = {step["step"]: step["reports"] for step in view["summary"]["attrition"]}
    assert steps["undesired"] == -2


def test_a_preview_says_what_would_be_read_and_keeps_nothing(
    api: Api, client: httpx.Client
) -> None:
    before = client.get("/v1/audits").json()
    answer = client.post(
        "/v1/audits/preview",
        content=archive(),
        headers=named("export.jsonl"),
        params={"since": "2020-06-01"},
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["name"], found["formats"], found["encodings"]) == (
        "export.jsonl", {"json_lines": 1}, {"utf-8": 1},
    )  # fmt: skip
    assert (found["rows"], found["reports"], found["undesired"]) == (4, 3, 1)
    assert (found["filled"]["patient_id"], found["filled"]["date"]) == (3, 2)
    assert [row["code"] for row in found["refusals"]] == ["not_json"]
    assert CANARY not in answer.text
    assert client.get("/v1/audits").json() == before
    assert not list((api.folder / "scratch").glob("upload-*"))


def test_a_preview_of_a_table_tells_its_columns(client: httpx.Client) -> None:
    body = "befund;nummer;wann\r\nKnochenmarködem;1;2020-01-02\r\n".encode("cp1252")
    answer = client.post(
        "/v1/audits/preview",
        content=body,
        headers=named("export.csv"),
        params={"map": ["accession=nummer", "date=wann"]},
    )
    assert answer.json()["encodings"] == {"cp1252": 1}
    assert answer.json()["columns"] == {"text": "befund", "accession": "nummer", "date": "wann"}


def test_a_preview_of_a_source_reads_it_where_it_lies(api: Api, client: httpx.Client) -> None:
    folder = api.folder / "sources" / "previewed"
    folder.mkdir()
    (folder / "one.jsonl").write_bytes(archive())
    (folder / "two.txt").write_text("MRI of the hip. No effusion.")
    answer = client.post("/v1/audits/preview", json={"source": folder.as_uri()})
    assert answer.json()["formats"] == {"json_lines": 1, "text": 1}
    assert answer.json()["reports"] == 4
    elsewhere = client.post("/v1/audits/preview", json={"source": "file:///etc/passwd"})
    assert fault(assert_problem(elsewhere, Code.VALIDATION_FAILED)) == ("/source", "NOT_ALLOWED")


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("export.xyz", b"x", "UNKNOWN_FORMAT"),
        ("export.csv", f"a,b\n{CANARY},2\n".encode(), "COLUMNS_NOT_RECOGNISED"),
    ],
)
def test_a_preview_of_what_cannot_be_read_says_why(
    client: httpx.Client, *, name: str, body: bytes, code: str
) -> None:
    answer = client.post("/v1/audits/preview", content=body, headers=named(name))
    [error] = assert_problem(answer, Code.ARCHIVE_UNREADABLE)["errors"]
    assert error["code"] == code


def test_a_source_is_audited_where_it_lies(api: Api, client: httpx.Client) -> None:
    folder = api.folder / "sources" / "2019 a"
    folder.mkdir()
    (folder / "one.jsonl").write_bytes(archive())
    (folder / "two.txt").write_text("MRI of the hip. No effusion.")
    answer = client.post("/v1/audits", json={"source": folder.as_uri()})
    assert answer.status_code == 202, answer.text
    api.desk.work_on_audits()
    view = get(client, answer.json()["id"])
    assert (view["state"], view["counts"]["reports"]) == ("done", 4)
    assert (folder / "one.jsonl").exists()


@pytest.mark.parametrize(
    "source",
    ["file:///etc/passwd", f"/{CANARY}", f"http://{CANARY}/a.csv", "file://{}/../marrow.sqlite3"],
)
def test_a_source_elsewhere_is_refused(api: Api, client: httpx.Client, source: str) -> None:
    body = {"source": source.format(api.folder / "sources")}
    problem = assert_problem(client.post("/v1/audits", json=body), Code.VALIDATION_FAILED)
    assert fault(problem) == ("/source", "NOT_ALLOWED")


def test_the_same_archive_under_the_same_key_is_one_audit(client: httpx.Client) -> None:
    headers = named("export.jsonl") | {"Idempotency-Key": "audit-2026"}
    first, again = (client.post("/v1/audits", content=archive(), headers=headers) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    for other in (
        {"content": archive() + b"\n"},
        {"content": archive(), "params": {"focus": "hip"}},
    ):
        answer = client.post("/v1/audits", headers=headers, **other)
        assert_problem(answer, Code.IDEMPOTENCY_KEY_REUSED)
    assert client.delete(f"/v1/audits/{first.json()['id']}").status_code == 204


@pytest.mark.parametrize(
    "name",
    ["", f"../{CANARY}", f"a/{CANARY}.csv", "a\\b.csv", ".csv", "a" * 201, "a\t.csv"],
)
def test_a_name_that_is_none_is_refused(client: httpx.Client, name: str) -> None:
    answer = client.post("/v1/audits", content=b"x", headers=named(name))
    problem = assert_problem(answer, Code.VALIDATION_FAILED)
    assert problem["errors"][0]["parameter"] == "Content-Disposition"


def test_a_body_without_name_and_type_or_without_content_is_refused(client: httpx.Client) -> None:
    assert_problem(client.post("/v1/audits", content=b"x"), Code.UNSUPPORTED_MEDIA_TYPE)
    answer = client.post("/v1/audits", content=b"", headers=named("a.csv"))
    assert_problem(answer, Code.BAD_REQUEST)


@pytest.mark.parametrize(
    ("query", "parameter", "code"),
    [
        ({"focus": CANARY}, "focus", "NOT_ALLOWED"),
        ({"map": f"text{CANARY}"}, "map", "WRONG_FORM"),
        ({"map": f"{CANARY}=text"}, "map", "WRONG_FORM"),
        ({"day_first": CANARY}, "day_first", "WRONG_TYPE"),
        ({"since": CANARY}, "since", "WRONG_FORM"),
        ({"until": "2020-02-30"}, "until", "WRONG_FORM"),
    ],
)
def test_a_wrong_argument_is_named(
    client: httpx.Client, query: dict[str, str], parameter: str, code: str
) -> None:
    answer = client.post("/v1/audits", content=b"x", headers=named("a.csv"), params=query)
    [error] = assert_problem(answer, Code.VALIDATION_FAILED)["errors"]
    assert (error["parameter"], error["code"]) == (parameter, code)


def test_an_archive_larger_than_allowed_is_refused_and_not_kept(
    api: Api, client: httpx.Client
) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(9):
            yield b"Z" * 1_000_000

    answer = client.post("/v1/audits", content=pieces(), headers=named("a.csv"))
    assert_problem(answer, Code.BODY_TOO_LARGE)
    assert not list((api.folder / "scratch").glob("upload-*"))


def test_a_source_is_no_archive_and_has_the_limit_of_other_bodies(client: httpx.Client) -> None:
    answer = client.post("/v1/audits", json={"source": "file:///" + "a" * 3_000})
    assert_problem(answer, Code.BODY_TOO_LARGE)


def test_an_upload_that_breaks_off_leaves_nothing(api: Api, client: httpx.Client) -> None:
    before = len(client.get("/v1/audits").json()["audits"])
    address = urlsplit(api.url)
    with socket.create_connection((address.hostname or "", address.port or 0)) as line:
        head = (
            f"POST /v1/audits HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 7000000\r\n"
            f'Content-Disposition: attachment; filename="a.csv"\r\nX-API-Key: {api.key("audits:write")}\r\n\r\n'
        )
        line.sendall(head.encode() + b"Z" * 2_000_000)
        scratch = api.folder / "scratch"
        wait_until(lambda: list(scratch.glob("upload-*")), what="the upload")
    wait_until(lambda: not list(scratch.glob("upload-*")), what="its end")
    assert len(client.get("/v1/audits").json()["audits"]) == before


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("export.xyz", b"x", "unknown_format"),
        ("export.csv", f"a,b\n{CANARY},2\n".encode(), "columns_not_recognised"),
    ],
)
def test_an_archive_that_cannot_be_read_fails_with_its_reason(
    api: Api, client: httpx.Client, *, name: str, body: bytes, code: str
) -> None:
    id_ = post(client, body, name)
    api.desk.work_on_audits()
    view = get(client, id_)
    assert (view["state"], view["error"]["code"]) == ("failed", code)
    assert CANARY not in json.dumps(view)
    assert_problem(client.get(f"/v1/audits/{id_}/cases"), Code.AUDIT_NOT_DONE)
    assert_problem(client.post(f"/v1/audits/{id_}/cancel"), Code.AUDIT_OVER)


def test_cases_are_listed_with_their_evidence(client: httpx.Client, done: str) -> None:
    answer = client.get(f"/v1/audits/{done}/cases").json()
    assert answer["next_cursor"] is None
    left, right = answer["cases"]
    assert (left["case"], left["age_years"], left["side"]) == (1, 44, "left")
    assert left["patient_id"] == "=P1"
    assert "transient osteoporosis" in left["named"]
    assert right["age_years"] is None
    one = client.get(f"/v1/audits/{done}/cases", params={"side": "right"}).json()["cases"]
    assert [case["patient_id"] for case in one] == ["P3"]
    none = client.get(f"/v1/audits/{done}/cases", params={"level": "possible"}).json()["cases"]
    assert none == []


def test_cases_come_in_pages(client: httpx.Client, done: str) -> None:
    path = f"/v1/audits/{done}/cases"
    first = client.get(path, params={"page_size": 1}).json()
    second = client.get(path, params={"page_size": 1, "cursor": first["next_cursor"]}).json()
    assert [case["case"] for case in first["cases"] + second["cases"]] == [1, 2]
    assert second["next_cursor"] is None
    other = client.get(path, params={"side": "left", "cursor": first["next_cursor"]})
    assert_problem(other, Code.BAD_CURSOR)


def test_failures_are_listed_without_their_text(client: httpx.Client, done: str) -> None:
    [failure] = client.get(f"/v1/audits/{done}/failures").json()["failures"]
    assert (failure["row"], failure["line"], failure["code"]) == (4, 4, "not_json")
    assert failure["path"] == "export.jsonl"
    assert CANARY not in json.dumps(failure)


def test_tables_come_in_three_forms_with_the_same_rows(client: httpx.Client, done: str) -> None:
    path = f"/v1/audits/{done}/results"
    for table, rows in (("assessments", 3), ("mentions", None), ("patients", 2)):
        answers = {
            form: client.get(path, params={"table": table, "format": form})
            for form in ("parquet", "csv", "ndjson")
        }
        frame = pl.read_parquet(io.BytesIO(answers["parquet"].content))
        assert rows in {None, frame.height}
        lines = [json.loads(line) for line in answers["ndjson"].text.splitlines()]
        assert lines == frame.to_dicts()
        cells = list(csv.reader(io.StringIO(answers["csv"].content.decode("utf-8-sig"))))
        assert cells[0] == frame.columns
        assert len(cells) == frame.height + 1
        for answer in answers.values():
            assert "not a diagnosis" in answer.headers["marrow-notice"]
            assert "attachment" in answer.headers["content-disposition"]
    assert "'=P1" in client.get(path, params={"format": "csv"}).text


def test_the_page_is_shown_without_scripts(client: httpx.Client, done: str) -> None:
    answer = client.get(f"/v1/audits/{done}/report")
    assert answer.headers["content-type"].startswith("text/html")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "<html" in answer.text


def test_every_output_file_is_there_as_it_was_written(
    api: Api, client: httpx.Client, done: str
) -> None:
    folder = next((api.folder / "audits" / done).glob("output-*"))
    for path in folder.iterdir():
        answer = client.get(f"/v1/audits/{done}/files/{path.name}")
        assert answer.content == path.read_bytes()
        assert answer.headers["content-length"] == str(path.stat().st_size)
    answer = client.get(f"/v1/audits/{done}/files/{CANARY}")
    assert_problem(answer, Code.VALIDATION_FAILED)


def test_words_around_what_was_found_take_a_scope_of_their_own(api: Api, done: str) -> None:
    paths = ("report", "results?table=mentions", "files/report.html", "files/cases.csv")
    with api.client("audits:read", "export") as client:
        for path in (*paths, "cases?format=csv"):
            answer = client.get(f"/v1/audits/{done}/{path}")
            assert "`text:read`" in assert_problem(answer, Code.SCOPE_MISSING)["detail"]
        cases = client.get(f"/v1/audits/{done}/cases").json()["cases"]
    with api.client("audits:read", "text:read") as client:
        whole = client.get(f"/v1/audits/{done}/cases").json()["cases"]
    quoting = {"named", "core", "minor", "hard", "soft"}
    assert cases == [case | dict.fromkeys(quoting) for case in whole]
    assert "“" in str(whole)
    assert "“" not in str(cases)


def test_whole_tables_take_a_scope_of_their_own(api: Api, done: str) -> None:
    with api.client("audits:read", "text:read") as client:
        for path in ("results", "files/cases.csv", "files/summary.json", "cases?format=csv"):
            answer = client.get(f"/v1/audits/{done}/{path}")
            assert "`export`" in assert_problem(answer, Code.SCOPE_MISSING)["detail"]


def test_events_tell_the_progress_until_the_end(api: Api, client: httpx.Client) -> None:
    id_ = post(client, archive())
    heard: list[dict[str, str]] = []
    with client.stream("GET", f"/v1/audits/{id_}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for event in _events(stream.iter_lines()):
            heard.append(event)
            if len(heard) == 1:
                api.desk.work_on_audits()
    assert [event["event"] for event in (heard[0], heard[-1])] == ["progress", "end"]
    assert json.loads(heard[-1]["data"])["counts"]["extracted"] == 3
    assert CANARY not in json.dumps(heard)
    ids = [tuple(map(int, event["id"].split("-"))) for event in heard]
    assert ids == sorted(set(ids))
    again = client.get(f"/v1/audits/{id_}/events", headers={"Last-Event-ID": heard[0]["id"]})
    assert [event["event"] for event in _events(iter(again.text.splitlines()))] == ["end"]
    over = client.get(f"/v1/audits/{id_}/events", headers={"Last-Event-ID": heard[-1]["id"]})
    assert over.status_code == 204


def _events(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    event: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if name:
            event[name] = value
        elif "event" in event:
            yield event
            event = {}


def test_a_cancelled_audit_is_never_read(api: Api, client: httpx.Client) -> None:
    id_ = post(client, archive())
    for _ in range(2):
        answer = client.post(f"/v1/audits/{id_}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    api.desk.work_on_audits()
    assert get(client, id_)["state"] == "cancelled"
    assert_problem(client.get(f"/v1/audits/{id_}/report"), Code.AUDIT_NOT_DONE)


def test_a_deleted_audit_leaves_no_file(api: Api, client: httpx.Client) -> None:
    id_ = post(client, archive())
    api.desk.work_on_audits()
    assert (api.folder / "audits" / id_).exists()
    assert client.delete(f"/v1/audits/{id_}").status_code == 204
    assert not (api.folder / "audits" / id_).exists()
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/events"), ("POST", "/cancel")):
        answer = client.request(method, f"/v1/audits/{id_}{path}")
        assert_problem(answer, Code.AUDIT_NOT_FOUND)


def test_audits_are_listed_by_state_and_in_pages(client: httpx.Client, done: str) -> None:
    one = client.get("/v1/audits", params={"page_size": 1, "state": "done"}).json()
    ids = [audit["id"] for audit in one["audits"]]
    while one["next_cursor"]:
        query = {"page_size": 1, "state": "done", "cursor": one["next_cursor"]}
        one = client.get("/v1/audits", params=query).json()
        ids += [audit["id"] for audit in one["audits"]]
    assert done in ids
    assert ids == sorted(set(ids), reverse=True)
    assert {get(client, id_)["state"] for id_ in ids} == {AuditState.DONE}


@pytest.mark.parametrize("id_", ["aud_00000000000000000000000000", "ZZPHI", "aud_%00", "aud_%ff"])
def test_an_unknown_audit_is_not_found(client: httpx.Client, id_: str) -> None:
    assert_problem(client.get(f"/v1/audits/{id_}"), Code.AUDIT_NOT_FOUND)


def test_nothing_of_an_archive_is_logged(api: Api, client: httpx.Client, done: str) -> None:
    accepted = post(client, archive())
    client.get(f"/v1/audits/{done}/cases")
    assert CANARY not in api.log.getvalue()
    assert "export.jsonl" not in api.log.getvalue()
    assert accepted in api.log.getvalue()
