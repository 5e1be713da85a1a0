"""Making, listing and revoking keys on the command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from cli import processes
from cli.keys import app
from storage import keys
from storage.database import Database
from storage.errors import KeyRefusedError
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setenv("MARROW_DATA_DIR", str(tmp_path / "data"))
    with Database.open(StorageSettings()) as database:
        database.upgrade()
        yield database


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def verify(database: Database, token: str) -> keys.Key:
    with database.read() as conn:
        return keys.verify(conn, keys.load_pepper(StorageSettings().pepper_path), token)


def test_a_key_is_printed_once_and_opens_what_it_was_made_for(database: Database) -> None:
    made = run("create", "--name", "ris", "--scope", "reports:write", "--scope", "text:read")
    assert made.exit_code == 0
    token = made.stdout.strip()
    assert re.fullmatch(r"marrow_\w{8}_\w{49}", token)
    key = verify(database, token)
    assert key.scopes == {"reports:write", "text:read"}
    assert key.expires_at is not None
    assert (key.expires_at - key.created_at).days in {364, 365}
    listed = run("list").stdout
    assert key.id in listed
    assert "ris" in listed
    assert token.split("_")[2] not in listed


def test_without_a_scope_a_key_posts_and_reads(database: Database) -> None:
    token = run("create", "--name", "x", "--days", "0").stdout.strip()
    key = verify(database, token)
    assert key.scopes == {"reports:write", "reports:read"}
    assert key.expires_at is None
    assert "\tvalid\t-\tx\t" in run("list").stdout


def test_a_role_gives_its_scopes_and_others_may_be_added(database: Database) -> None:
    made = run("create", "--name", "ward", "--role", "viewer")
    assert "viewer: audits:read reports:read" in made.stderr
    assert verify(database, made.stdout.strip()).scopes == {"reports:read", "audits:read"}
    more = run("create", "--name", "study", "--role", "viewer", "--scope", "export")
    assert verify(database, more.stdout.strip()).scopes == {"reports:read", "audits:read", "export"}
    listed = run("list").stdout
    assert "\tward\tviewer: audits:read reports:read\n" in listed
    assert "\tstudy\taudits:read export reports:read\n" in listed


def test_an_unknown_role_is_refused(database: Database) -> None:
    del database
    refused = run("create", "--name", "x", "--role", "boss")
    assert refused.exit_code == 2
    assert "auditor" in refused.stderr


def test_a_revoked_key_opens_nothing(database: Database) -> None:
    token = run("create", "--name", "x").stdout.strip()
    id_ = verify(database, token).id
    assert run("revoke", id_).stdout == f"revoked {id_}\n"
    with pytest.raises(KeyRefusedError):
        verify(database, token)
    assert "revoked 20" in run("list").stdout
    again = run("revoke", id_)
    assert again.exit_code == 2
    assert "revoked already" in again.stderr


def test_an_unknown_scope_is_refused(database: Database) -> None:
    del database
    refused = run("create", "--name", "x", "--scope", "everything")
    assert refused.exit_code == 2
    assert "reports:write" in refused.stderr


@pytest.mark.usefixtures("database")
def test_an_empty_list_says_what_to_do() -> None:
    listed = run("list")
    assert (listed.exit_code, listed.stdout) == (0, "")
    assert "marrow keys create" in listed.stderr


def test_a_database_that_is_not_there_yet_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARROW_DATA_DIR", str(tmp_path / "new"))
    refused = run("list")
    assert refused.exit_code == 2
    assert "marrow db upgrade" in refused.stderr
    upgraded = CliRunner().invoke(processes.app, ["db", "upgrade"])
    assert upgraded.stdout.startswith("upgraded to ")
    assert "already" in CliRunner().invoke(processes.app, ["db", "upgrade"]).stdout
    assert run("list").exit_code == 0


@pytest.mark.parametrize("part", ["api", "worker", "dispatcher"])
def test_no_part_starts_on_a_database_that_is_not_there_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setenv("MARROW_DATA_DIR", str(tmp_path / "new"))
    refused = CliRunner().invoke(processes.app, [part])
    assert refused.exit_code == 2
    assert "marrow db upgrade" in refused.stderr


def test_a_wrong_setting_is_named_and_its_value_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARROW_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("MARROW_LEASE_S", "hunter2")
    refused = CliRunner().invoke(processes.app, ["worker"])
    assert refused.exit_code == 2
    assert "MARROW_LEASE_S" in refused.stderr
    assert "hunter2" not in refused.stderr
