"""The API dies, the client repeats itself, uploads break off."""

from __future__ import annotations

import hashlib
import json
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from tests.chaos.fuses import Action, Point
from tests.chaos.marks import POSTGRESQL, SQLITE, on
from tests.services import wait_until

if TYPE_CHECKING:
    from tests.chaos.scenario import Chaos

KILLS = 2


def kill_the_api(chaos: Chaos, point: Point) -> None:
    """Kill the API in each wave; the client asks again under the same key."""
    service = chaos.service
    service.start_all()
    for wave in chaos.waves(KILLS):
        service.fuses.arm(Action.KILL, point)
        api = service.part("api")
        with service.client.posting(wave):
            service.start_again(api)
        chaos.faults += 1
    chaos.check()


@on(SQLITE, POSTGRESQL, short=(SQLITE,))
def test_the_api_killed_between_commit_and_bell(chaos: Chaos) -> None:
    kill_the_api(chaos, Point.STORED)
    # It had promised nothing yet; what it had stored is what the repeated request was told.
    assert chaos.service.client.replays == KILLS


@on(SQLITE, POSTGRESQL)
def test_the_api_killed_before_its_commit(chaos: Chaos) -> None:
    kill_the_api(chaos, Point.STORING)
    assert chaos.service.client.replays == 0


@on(SQLITE, POSTGRESQL)
def test_a_client_that_sends_everything_twice(chaos: Chaos) -> None:
    service = chaos.service
    service.start_all()
    chaos.faults = service.client.post_twice(chaos.reports)
    assert service.client.replays == chaos.faults
    chaos.check()


@on(SQLITE, POSTGRESQL, short=(SQLITE,))
def test_an_upload_that_breaks_off_and_is_sent_again(chaos: Chaos) -> None:
    """The same archive gives the same table, and one audit; reports are posted beside it."""
    service = chaos.service
    service.start_all()
    http = service.client.http
    archive = "".join(json.dumps(row) + "\n" for row in map(_row, chaos.reports)).encode()
    whole = _audit(http, archive, key="whole")
    with service.client.posting(chaos.reports):
        for size in (1, len(archive) // 2, len(archive) - 1):
            _break_off(http, archive, size, key="cut")
            chaos.faults += 1
        assert _audits(http) == [whole]
        again = _audit(http, archive, key="cut")
    assert sorted(_audits(http)) == sorted([whole, again])
    assert _table(http, again) == _table(http, whole)
    chaos.check()


def _row(report: dict[str, Any]) -> dict[str, Any]:
    return {"id": report["report_id"], "text": report["text"], "modality": "MR"}


def _headers(key: str) -> dict[str, str]:
    disposition = 'attachment; filename="export.jsonl"'
    return {"Content-Disposition": disposition, "Idempotency-Key": key}


def _audit(http: httpx.Client, archive: bytes, *, key: str) -> str:
    answer = http.post("/v1/audits", content=archive, headers=_headers(key))
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    id_: str = answer.json()["id"]
    wait_until(
        lambda: http.get(f"/v1/audits/{id_}").json()["state"] == "done",
        deadline_s=90,
        what="the audit",
    )
    return id_


def _audits(http: httpx.Client) -> list[str]:
    return [one["id"] for one in http.get("/v1/audits").json()["audits"]]


def _table(http: httpx.Client, id_: str) -> str:
    rows = http.get(f"/v1/audits/{id_}/results", params={"format": "ndjson"})
    assert rows.is_success, rows.text
    assert len(rows.text.splitlines()) > 1
    return hashlib.sha256(rows.content).hexdigest()


def _break_off(http: httpx.Client, archive: bytes, size: int, *, key: str) -> None:
    """Send so many bytes of the body that was announced, and hang up."""
    address = urlsplit(str(http.base_url))
    lines = ["POST /v1/audits HTTP/1.1", f"Host: {address.netloc}"]
    lines += [f"{name}: {value}" for name, value in _headers(key).items()]
    lines += [f"Authorization: {http.headers['authorization']}"]
    lines += [f"Content-Length: {len(archive)}", "", ""]
    with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
        connection.sendall("\r\n".join(lines).encode() + archive[:size])
