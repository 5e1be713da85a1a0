"""Seeing who is signed in, and signing somebody out, on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from cli.sessions import app
from storage import sessions
from storage.access_queries import Filters, list_page
from storage.database import Database
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


def test_a_session_is_listed_and_ended_and_the_log_says_so(database: Database) -> None:
    times = sessions.Times(idle_s=60, whole_s=60)
    with database.begin() as conn:
        new = sessions.create(
            conn, b"pepper", caller="oidc:anna", name="Anna M", scopes=["extract"], times=times
        )
    listed = run("list").stdout
    assert listed.startswith(f"{new.session.id}\toidc:anna\t")
    assert listed.endswith("\tAnna M\n")
    assert new.token not in listed
    assert run("end", new.session.id).stdout == f"ended {new.session.id}\n"
    empty = run("list")
    assert (empty.stdout, empty.exit_code) == ("", 0)
    with database.read() as conn:
        assert not sessions.list_open(conn, times)
        [entry] = list_page(conn, Filters()).entries
    assert entry.entry.target == f"session:{new.session.id}"


@pytest.mark.usefixtures("database")
def test_a_session_that_is_not_there_is_said_in_one_line() -> None:
    refused = run("end", "none")
    assert refused.exit_code == 2
    assert "marrow sessions list" in refused.stderr
