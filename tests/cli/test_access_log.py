"""The access log on the command line: what commands leave in it, what it is asked, if it is whole."""

from __future__ import annotations

import getpass
import json
from typing import TYPE_CHECKING

import pytest
import typer
from sqlalchemy import text
from typer.testing import CliRunner, Result

from cli.access_log import access_log, verify_log
from cli.backup import backup, restore
from cli.keys import app as keys_app
from cli.purge import purge
from storage import access_log as log
from storage.access_model import Action, Entry, Outcome
from storage.database import Database
from storage.keys import load_pepper
from storage.model import Lane, NewReport
from storage.reports import accept
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setenv("MARROW_DATA_DIR", str(tmp_path / "data"))
    with Database.open(StorageSettings()) as database:
        database.upgrade()
        load_pepper(StorageSettings().pepper_path, create=True)
        yield database


def run(command: Callable[..., object], *words: str) -> Result:
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, list(words))


def append(database: Database, *entries: Entry) -> None:
    with database.begin() as conn:
        log.append(conn, entries)


def said(*words: str) -> list[dict[str, object]]:
    listed = run(access_log, *(words or ("all",)), "--json")
    assert listed.exit_code == 0, listed.output
    return [json.loads(line) for line in listed.stdout.splitlines()]


def test_what_commands_do_stands_in_the_log(database: Database, tmp_path: Path) -> None:
    made = CliRunner().invoke(keys_app, ["create", "--name", "ris"])
    id_ = made.stdout.split("_")[1]
    CliRunner().invoke(keys_app, ["revoke", id_])
    with database.begin() as conn:
        [report] = accept(conn, [NewReport(text="Effusion.")], lane=Lane.BULK)
    run(backup, str(tmp_path / "backup.tar"))
    run(purge, "--report", report.id, "--yes")
    found = list(reversed(said()))
    assert [one["route"] for one in found] == [
        "marrow keys create",
        "marrow keys revoke",
        "marrow backup",
        "marrow purge",
    ]
    assert [one["action"] for one in found] == ["administer", "administer", "export", "delete"]
    assert found[0]["target"] == f"key:{id_}"
    assert found[3]["items"] == 1
    assert {one["caller"] for one in found} == {f"user:{getpass.getuser()}"}
    assert [one["route"] for one in said("exports")] == ["marrow backup"]


def test_a_line_tells_it_all_in_one_time_zone(database: Database) -> None:
    refused = Entry(Action.SIGN_IN, Outcome.REFUSED, peer="10.0.0.7", code="KEY_INVALID", times=3)
    append(database, refused, Entry(Action.READ, Outcome.DONE, caller="key:k1"))
    [line] = run(access_log, "failed-sign-ins", "--timezone", "Asia/Tokyo").stdout.splitlines()
    columns = line.split("\t")
    assert columns[0] == "1"
    assert columns[1].endswith("+09:00")
    assert columns[2:] == ["refused", "sign_in", "-", "10.0.0.7", "-", "KEY_INVALID", "x3"]


@pytest.mark.parametrize(
    "words",
    [
        ["all", "--timezone", "Nowhere"],
        ["all", "--since", "yesterday"],
        ["after-hours", "--hours", "seven"],
    ],
)
def test_a_wrong_question_is_answered_in_one_line(database: Database, words: list[str]) -> None:
    del database
    refused = run(access_log, *words)
    assert refused.exit_code == 2
    assert refused.stderr.startswith("marrow: --")
    assert len(refused.stderr.splitlines()) == 1


def test_a_whole_log_is_said_to_be_whole_and_its_head_can_be_kept(
    database: Database, tmp_path: Path
) -> None:
    heads = tmp_path / "elsewhere.txt"
    append(database, Entry(Action.READ, Outcome.DONE))
    first = run(verify_log, "--heads", str(heads))
    assert first.exit_code == 0
    assert first.stdout.startswith("whole: 1 entries from 1 to 1\nhead 1:")
    append(database, Entry(Action.READ, Outcome.DONE))
    second = run(verify_log, "--heads", str(heads))
    assert "heads kept elsewhere: 1 of 1 are in it" in second.stdout
    assert len(heads.read_text().splitlines()) == 2
    head = second.stdout.split()[-1]
    assert "1 of 1" in run(verify_log, "--head", head).stdout


def test_an_edit_ends_with_1_and_no_head_of_it_is_kept(database: Database, tmp_path: Path) -> None:
    append(database, *(Entry(Action.READ, Outcome.DONE) for _ in range(3)))
    with database.begin() as conn:
        conn.execute(text("DROP TRIGGER access_log_change"))
        conn.execute(text("UPDATE access_log SET target = 'other' WHERE seq = 2"))
    heads = tmp_path / "elsewhere.txt"
    found = run(verify_log, "--heads", str(heads))
    assert found.exit_code == 1
    assert found.stdout.splitlines()[0] == "edited: entry 2 is not as it was written"
    assert "NOT WHOLE" in found.stdout
    assert not heads.exists()


def test_a_wrong_head_is_refused_in_one_line(database: Database) -> None:
    del database
    refused = run(verify_log, "--head", "7:abc")
    assert refused.exit_code == 2
    assert "as verify-log prints it" in refused.stderr


def test_a_restore_goes_on_with_the_log_of_the_backup_and_says_so(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(database, Entry(Action.READ, Outcome.DONE))
    assert run(backup, str(tmp_path / "backup.tar")).exit_code == 0
    append(database, Entry(Action.EXPORT, Outcome.DONE))
    later = run(verify_log).stdout.split()[-1]
    new = tmp_path / "new"
    assert run(restore, str(tmp_path / "backup.tar"), "--data", str(new)).exit_code == 0
    monkeypatch.setenv("MARROW_DATA_DIR", str(new))
    assert [one["route"] for one in said()] == ["marrow restore", "marrow backup", None]
    assert run(verify_log).exit_code == 0
    # What was written after the backup is missing, and a head that was kept shows it.
    assert "rewritten: entry 3" in run(verify_log, "--head", later).stdout
