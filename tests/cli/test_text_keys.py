"""Encryption at rest as an operator turns it on, and as the real service works with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from storage import reports
from storage.database import Database
from storage.model import Lane, NewReport
from storage.settings import StorageSettings
from tests.cli.commands import marrow, one_line_error
from tests.cli.test_serve import CANARY, post, serving

if TYPE_CHECKING:
    from pathlib import Path

MARK = b"ZZPHI-text-keys"


def files_that_hold(data: Path, mark: bytes) -> list[str]:
    found = [path for path in data.rglob("*") if path.is_file()]
    assert found
    return [path.name for path in found if mark in path.read_bytes()]


def test_it_is_turned_on_for_what_is_there_changed_and_turned_off(tmp_path: Path) -> None:
    data, keys = tmp_path / "data", tmp_path / "keys"
    plain = {"MARROW_DATA_DIR": str(data)}
    sealed = plain | {"MARROW_TEXT_KEY_FILE": str(keys)}
    with Database.open(StorageSettings(data_dir=data)) as database:
        database.upgrade()
        with database.begin() as conn:
            posted = [NewReport(text=f"{MARK.decode()} {n}" * 50) for n in range(30)]
            [one, *_] = reports.accept(conn, posted, lane=Lane.BULK)
    assert files_that_hold(data, MARK)
    assert "text-keys create" in one_line_error(marrow("text-keys", "reseal", environment=plain))
    made = marrow("text-keys", "create", keys)
    [key] = re.findall(r"with the key (\w+)", made.stdout)
    done = marrow("text-keys", "reseal", environment=sealed)
    assert (done.returncode, done.stdout) == (0, "rewrote 30 rows\n"), done.stderr
    assert files_that_hold(data, MARK) == []
    refused = marrow("worker", environment=plain)
    assert f"sealed with the key {key}" in one_line_error(refused)
    rotated = marrow("text-keys", "rotate", environment=sealed)
    assert rotated.returncode == 0, rotated.stderr
    listed = marrow("text-keys", "list", environment=sealed).stdout.splitlines()
    assert listed[0] == f"{key}\topens\treports 0, results 0"
    assert re.fullmatch(r"\w{8}\tseals\treports 30, results 0", listed[1])
    with keys.open("a") as file:
        file.write("plain\n")
    off = marrow("text-keys", "reseal", environment=sealed)
    assert off.returncode == 0, off.stderr
    with Database.open(StorageSettings(data_dir=data)) as database, database.read() as conn:
        stored = reports.get(conn, one.id, include_text=True)
    assert stored is not None
    assert stored.text == f"{MARK.decode()} 0" * 50


@pytest.mark.slow
def test_the_service_seals_what_it_is_sent_and_a_new_key_needs_no_restart(
    tmp_path: Path,
) -> None:
    data, keys = tmp_path / "data", tmp_path / "keys"
    assert marrow("text-keys", "create", keys).returncode == 0
    environment = {"MARROW_DATA_DIR": str(data), "MARROW_TEXT_KEY_FILE": str(keys)}
    with serving(data, MARROW_TEXT_KEY_FILE=str(keys)) as service, service.client() as client:
        first = post(client, "A-1")
        rotated = marrow("text-keys", "rotate", environment=environment)
        assert rotated.returncode == 0, rotated.stderr
        second = post(client, "A-2")
        for report in (first, second):
            found = client.get(report["links"]["self"], params={"include": "text"}).json()
            assert CANARY in found["text"]
        assert files_that_hold(data, CANARY.encode()) == []
