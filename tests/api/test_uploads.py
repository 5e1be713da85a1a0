"""Uploads that go on where they broke off, by the words of tus 1.0."""

from __future__ import annotations

import base64
import hashlib
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from api import resuming
from api.problems import Code
from storage.sweeping import expire_uploads, remove_orphans
from storage.tables import uploads
from tests.api.test_audits import archive, get
from tests.api.test_refusals import CANARY, assert_problem
from tests.services import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from storage.database import Database
    from tests.api.conftest import Api

TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = TUS | {"Content-Type": "application/offset+octet-stream"}


def told(**pairs: str) -> str:
    return ",".join(
        f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in pairs.items()
    )


def announce(client: httpx.Client, size: int, **pairs: str) -> httpx.Response:
    headers = TUS | {
        "Upload-Length": str(size),
        "Upload-Metadata": told(**{"filename": "export.jsonl", **pairs}),
    }
    return client.post("/v1/uploads", headers=headers)


def begin(client: httpx.Client, body: bytes, **pairs: str) -> str:
    answer = announce(client, len(body), **pairs)
    assert answer.status_code == 201, answer.text
    assert answer.headers["upload-offset"] == "0"
    assert answer.headers["upload-expires"].endswith("GMT")
    location: str = answer.headers["location"]
    return location


def send(client: httpx.Client, path: str, part: bytes, at: int) -> httpx.Response:
    return client.patch(path, content=part, headers=CHUNK | {"Upload-Offset": str(at)})


def standing(client: httpx.Client, path: str) -> int:
    answer = client.head(path, headers=TUS)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return int(answer.headers["upload-offset"])


def start(client: httpx.Client, path: str, **query: Any) -> httpx.Response:
    body = {"upload": path.rpartition("/")[2]}
    return client.post("/v1/audits", json=body, params=query)


def files(api: Api, path: str) -> list[str]:
    folder = api.folder / "uploads" / path.rpartition("/")[2]
    return [piece.name for piece in folder.iterdir()] if folder.exists() else []


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> int:
    """So that a small archive comes in several pieces."""
    monkeypatch.setattr(resuming, "PIECE_BYTES", 100)
    return 100


@pytest.mark.usefixtures("small_pieces")
def test_an_archive_that_comes_in_parts_is_audited(api: Api, client: httpx.Client) -> None:
    body = archive()
    path = begin(client, body, sha256=hashlib.sha256(body).hexdigest())
    first = send(client, path, body[:250], 0)
    assert (first.status_code, first.headers["upload-offset"]) == (204, "250")
    assert first.headers["tus-resumable"] == "1.0.0"
    assert standing(client, path) == 250
    assert_problem(start(client, path), Code.UPLOAD_NOT_WHOLE)
    rest = send(client, path, body[250:], 250)
    assert rest.headers["upload-offset"] == str(len(body))
    preview = client.post("/v1/audits/preview", json={"upload": path.rpartition("/")[2]})
    assert (preview.json()["name"], preview.json()["reports"]) == ("export.jsonl", 3)
    started = start(client, path, focus="hip")
    assert started.status_code == 202, started.text
    id_ = started.json()["id"]
    assert started.json()["bytes"] == len(body)
    api.desk.work_on_audits()
    view = get(client, id_)
    assert (view["state"], view["counts"]["reports"]) == ("done", 3)


def test_one_upload_makes_one_audit(api: Api, client: httpx.Client) -> None:
    body = archive()
    path = begin(client, body)
    send(client, path, body, 0)
    first = start(client, path)
    again = start(client, path)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    assert_problem(start(client, path, focus="hip"), Code.UPLOAD_TAKEN)
    assert_problem(client.delete(path, headers=TUS), Code.UPLOAD_TAKEN)
    assert_problem(send(client, path, b"x", 0), Code.UPLOAD_OFFSET)
    api.desk.work_on_audits()
    assert client.delete(f"/v1/audits/{first.json()['id']}").status_code == 204


def test_a_word_for_the_start_outlives_the_upload(api: Api, client: httpx.Client) -> None:
    body = archive()
    path = begin(client, body)
    send(client, path, body, 0)
    request = {"json": {"upload": path.rpartition("/")[2]}, "headers": {"Idempotency-Key": "upl"}}
    first = client.post("/v1/audits", **request)  # type: ignore[arg-type]
    api.desk.work_on_audits()
    wait_until(lambda: sweep(api) and not files(api, path), what="the sweep")
    again = client.post("/v1/audits", **request)  # type: ignore[arg-type]
    assert again.json()["id"] == first.json()["id"]
    assert client.head(path, headers=TUS).status_code == 404


def sweep(api: Api) -> bool:
    from storage import sweeping

    sweeping.sweep(api.database, api.app.state.service.files)
    return True


@pytest.mark.usefixtures("small_pieces")
def test_what_came_before_a_cut_is_kept(api: Api, client: httpx.Client) -> None:
    body = archive()
    path = begin(client, body)
    address = urlsplit(api.url)
    with socket.create_connection((address.hostname or "", address.port or 0)) as line:
        head = (
            f"PATCH {path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: application/offset+octet-stream\r\nTus-Resumable: 1.0.0\r\n"
            f"Upload-Offset: 0\r\nAuthorization: {client.headers['authorization']}\r\n\r\n"
        )
        line.sendall(head.encode() + body[:333])
        wait_until(lambda: standing(client, path) >= 300, what="the first pieces")
    wait_until(lambda: standing(client, path) == 333, what="what came just before the cut")
    assert send(client, path, body[333:], 333).status_code == 204
    id_ = start(client, path).json()["id"]
    api.desk.work_on_audits()
    assert get(client, id_)["counts"]["rows_read"] == 4
    wait_until(lambda: not list((api.folder / "scratch").glob("upload-*")), what="an empty scratch")


def test_a_part_that_belongs_elsewhere_is_refused_and_not_kept(
    api: Api, client: httpx.Client
) -> None:
    path = begin(client, b"abcdef")
    assert send(client, path, b"abc", 0).status_code == 204
    for at in (0, 2, 4):
        assert_problem(send(client, path, b"abc", at), Code.UPLOAD_OFFSET)
    too_much = send(client, path, b"defg", 3)
    assert_problem(too_much, Code.BODY_TOO_LARGE)
    assert standing(client, path) == 3
    assert len(files(api, path)) == 1


def test_of_two_that_send_the_same_part_one_is_told(api: Api, client: httpx.Client) -> None:
    path = begin(client, b"abcdef")

    def slow() -> Iterator[bytes]:
        yield b"abc"
        wait_until(lambda: list((api.folder / "scratch").glob("upload-*")), what="the first one")
        with api_client(client) as other:
            assert send(other, path, b"abcdef", 0).status_code == 204

    answer = client.patch(path, content=slow(), headers=CHUNK | {"Upload-Offset": "0"})
    assert_problem(answer, Code.UPLOAD_OFFSET)
    assert standing(client, path) == 6
    assert len(files(api, path)) == 1


def api_client(client: httpx.Client) -> httpx.Client:
    import httpx

    return httpx.Client(base_url=client.base_url, headers=client.headers, timeout=60)


def test_an_archive_with_another_checksum_is_not_audited(api: Api, client: httpx.Client) -> None:
    body = archive()
    path = begin(client, body, sha256=hashlib.sha256(body + b"x").hexdigest())
    send(client, path, body, 0)
    preview = client.post("/v1/audits/preview", json={"upload": path.rpartition("/")[2]})
    assert_problem(preview, Code.UPLOAD_DAMAGED)
    id_ = start(client, path).json()["id"]
    api.desk.work_on_audits()
    view = get(client, id_)
    assert (view["state"], view["error"]["code"]) == ("failed", "upload_damaged")


def test_an_upload_that_nobody_goes_on_with_is_deleted_with_its_files(
    api: Api, client: httpx.Client
) -> None:
    path = begin(client, b"abcdef")
    send(client, path, b"abc", 0)
    store = api.app.state.service.files
    expire_uploads(api.database, store)
    assert standing(client, path) == 3
    age(api.database, path)
    assert client.head(path, headers=TUS).status_code == 404
    assert_problem(send(client, path, b"def", 3), Code.UPLOAD_NOT_FOUND)
    assert expire_uploads(api.database, store) == 1
    assert not files(api, path)


def age(database: Database, path: str) -> None:
    from datetime import UTC, datetime

    with database.begin() as conn:
        upload = uploads.c.id == path.rpartition("/")[2]
        conn.execute(uploads.update().where(upload).values(expires_at=datetime.now(UTC)))


def test_pieces_that_no_upload_knows_are_removed(api: Api, client: httpx.Client) -> None:
    path = begin(client, b"abcdef")
    send(client, path, b"abc", 0)
    lost = api.folder / "uploads" / "upl_00000000000000000000000001"
    lost.mkdir()
    (lost / "piece").write_bytes(b"x")
    remove_orphans(api.database, api.app.state.service.files, older_than_s=-3_600)
    assert not lost.exists()
    assert len(files(api, path)) == 1


def test_an_upload_that_is_ended_leaves_nothing(api: Api, client: httpx.Client) -> None:
    path = begin(client, b"abcdef")
    send(client, path, b"abc", 0)
    assert client.delete(path, headers=TUS).status_code == 204
    assert not files(api, path)
    assert client.head(path, headers=TUS).status_code == 404


def test_only_the_key_that_announced_an_upload_knows_it(api: Api, client: httpx.Client) -> None:
    path = begin(client, b"abcdef")
    with api.client() as other:
        assert other.head(path, headers=TUS).status_code == 404
        assert_problem(send(other, path, b"abcdef", 0), Code.UPLOAD_NOT_FOUND)
        assert_problem(start(other, path), Code.UPLOAD_NOT_FOUND)


def test_as_many_uploads_wait_as_are_allowed(api: Api) -> None:
    with api.client() as client:
        paths = [
            begin(client, b"x") for _ in range(api.app.state.service.settings.max_waiting_uploads)
        ]
        problem = announce(client, 1)
        assert_problem(problem, Code.TOO_MANY_UPLOADS)
        assert problem.headers["retry-after"]
        client.delete(paths[0], headers=TUS)
        assert announce(client, 1).status_code == 201


def test_an_upload_of_single_bytes_comes_to_an_end(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resuming, "MAX_PIECES", 2)
    path = begin(client, b"abcdef")
    assert [send(client, path, b"a", at).status_code for at in range(3)] == [204, 204, 429]


@pytest.mark.parametrize(
    ("headers", "code", "parameter"),
    [
        ({"Upload-Length": CANARY}, Code.VALIDATION_FAILED, "Upload-Length"),
        ({"Upload-Length": "-1"}, Code.VALIDATION_FAILED, "Upload-Length"),
        ({"Upload-Length": "0"}, Code.VALIDATION_FAILED, "Upload-Length"),
        ({"Upload-Length": "9" * 19}, Code.VALIDATION_FAILED, "Upload-Length"),
        ({"Upload-Length": "9000000"}, Code.BODY_TOO_LARGE, None),
        ({"Upload-Metadata": f"filename {CANARY}!"}, Code.VALIDATION_FAILED, "Upload-Metadata"),
        ({"Upload-Metadata": ""}, Code.VALIDATION_FAILED, "Upload-Metadata"),
        ({"Upload-Metadata": told(filename="../a.csv")}, Code.VALIDATION_FAILED, "Upload-Metadata"),
        ({"Upload-Metadata": told(filename="ü" * 190)}, Code.VALIDATION_FAILED, "Upload-Metadata"),
        (
            {"Upload-Metadata": told(filename="a.csv", sha256=CANARY)},
            Code.VALIDATION_FAILED,
            "Upload-Metadata",
        ),
        ({"Tus-Resumable": "0.2.2"}, Code.TUS_VERSION, None),
    ],
)
def test_an_announcement_that_says_too_little_or_too_much_is_refused(
    client: httpx.Client, headers: dict[str, str], code: Code, parameter: str | None
) -> None:
    whole = TUS | {"Upload-Length": "1", "Upload-Metadata": told(filename="a.csv")}
    answer = client.post("/v1/uploads", headers=whole | headers)
    errors = assert_problem(answer, code)["errors"]
    assert [error.get("parameter") for error in errors] == ([parameter] if parameter else [])
    assert answer.headers["tus-resumable"] == "1.0.0"


def test_a_part_of_another_type_is_refused(client: httpx.Client) -> None:
    path = begin(client, b"abcdef")
    answer = client.patch(path, content=b"abc", headers=TUS | {"Upload-Offset": "0"})
    assert_problem(answer, Code.UNSUPPORTED_MEDIA_TYPE)


def test_what_is_spoken_is_told(client: httpx.Client) -> None:
    answer = client.options("/v1/uploads")
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-extension"] == "creation,expiration,termination"
    assert int(answer.headers["tus-max-size"]) == 8_000_000


def test_an_audit_names_one_archive(client: httpx.Client) -> None:
    for body in ({}, {"source": "file:///a", "upload": "upl_" + "0" * 26}):
        assert_problem(client.post("/v1/audits", json=body), Code.VALIDATION_FAILED)
