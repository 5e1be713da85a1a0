"""Sealed texts through the API: with the keys as ever, without them a clear refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from storage import text_keys
from storage.settings import StorageSettings
from storage.tables import reports
from tests.api.conftest import HIP_MRI, running

if TYPE_CHECKING:
    from pathlib import Path


def test_without_the_keys_nothing_is_read_or_accepted_and_with_them_all_is(tmp_path: Path) -> None:
    text_keys.create(tmp_path / "keys")
    plain = StorageSettings(data_dir=tmp_path / "data")
    sealed = StorageSettings(data_dir=tmp_path / "data", text_key_file=tmp_path / "keys")
    body = {"text": HIP_MRI}
    with running(sealed) as server, server.client() as client:
        [posted] = client.post("/v1/reports", json={"reports": [body]}).json()["reports"]
        server.desk.work()
    address = f"/v1/reports/{posted['id']}"
    with running(plain) as server, server.client() as client:
        refused = [
            client.get(address),
            client.post("/v1/reports", json=body),
            client.get("/healthz/ready"),
        ]
        assert [one.status_code for one in refused] == [503, 503, 503]
        assert {one.json()["code"] for one in refused} == {"NOT_READY"}
    with running(sealed) as server, server.client() as client:
        found = client.get(address, params={"include": "text"}).json()
        assert found["text"] == HIP_MRI
        assert found["result"]["mentions"]
        with server.database.begin() as conn:
            conn.execute(update(reports).values(text=b"\0" * 40))
        broken = client.get(address, params={"include": "text"})
        assert (broken.status_code, broken.json()["code"]) == (500, "INTERNAL_ERROR")
        assert client.get(address).status_code == 200
