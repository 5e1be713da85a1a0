"""`marrow purge` as an operator meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from extractor.model import Patient, Study
from storage import reports, tombstones, work
from storage.database import Database
from storage.model import Lane, NewReport
from storage.settings import StorageSettings
from tests.cli.commands import marrow, one_line_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARK = "ZZPHI-purge"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def database(data: Path) -> Iterator[Database]:
    with Database.open(StorageSettings(data_dir=data)) as opened:
        opened.upgrade()
        yield opened


def accept(database: Database, patient: str, *texts: str) -> list[str]:
    who = Patient(id=patient)
    posted = [
        NewReport(text=text, patient=who, study=Study(accession=f"{text[:20]}-acc"))
        for text in texts
    ]
    with database.begin() as conn:
        return [one.id for one in reports.accept(conn, posted, lane=Lane.BULK)]


def sums(database: Database) -> tuple[int, int]:
    with database.read() as conn:
        found = work.reconcile(conn)
    assert found.balanced
    return found.accepted, found.deleted


def test_a_patients_reports_are_counted_then_deleted_from_every_file(
    database: Database, data: Path
) -> None:
    accept(database, "P1", f"{MARK} one", f"{MARK} two" * 500)
    accept(database, "P2", "other text")
    environment = {"MARROW_DATA_DIR": str(data)}
    dry = marrow("purge", "--patient", "-", "--dry-run", stdin="P1\n", environment=environment)
    assert dry.stdout.startswith(
        "Would delete: reports 2, with results 0, not read yet 2; audits 0"
    )
    assert sums(database) == (3, 0)
    refused = marrow("purge", "--patient", "P1", environment=environment)
    assert "give --yes" in refused.stderr
    assert (refused.returncode, sums(database)) == (2, (3, 0))
    done = marrow("purge", "--patient", "-", "--yes", stdin="P1\n", environment=environment)
    assert done.returncode == 0, done.stderr
    assert "Deleted: reports 2" in done.stdout
    assert sums(database) == (3, 2)
    files = [path for path in data.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if MARK.encode() in path.read_bytes()]


def test_a_report_goes_by_its_id_and_who_did_it_is_noted(database: Database, data: Path) -> None:
    one, two = accept(database, "P1", "one", "two")
    environment = {"MARROW_DATA_DIR": str(data)}
    done = marrow("purge", "--report", one, "--yes", environment=environment)
    assert done.returncode == 0, done.stderr
    with database.read() as conn:
        found = tombstones.get(conn, one)
        assert found is not None
        assert found.deleted_by.startswith("user:")
        assert tombstones.get(conn, two) is None
    again = marrow("purge", "--report", one, "--yes", environment=environment)
    assert "deleted before" in one_line_error(again)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "name one of"),
        (("--older-than", "90d", "--patient", "P"), "name one of"),
        (("--older-than", "three months"), "such as 90d"),
        (("--report", "rep_x", "--source", "ris"), "goes with --patient"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    done = marrow("purge", *words, environment={"MARROW_DATA_DIR": str(tmp_path)})
    assert says in one_line_error(done)
