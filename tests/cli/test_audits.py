"""`marrow audits` against the whole service, and beside `marrow audit`."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import marrow, one_line_error, write_archive

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
TEXT = "MRI hip. Bone marrow oedema of the left femoral head and neck. Small effusion. ({n})"
SAME = (
    "assessments.parquet", "mentions.parquet", "patients.parquet", "cases.csv", "failures.csv",
    "summary.json",
)  # fmt: skip


def test_an_archive_is_audited_by_the_service_as_it_is_here(
    tmp_path: Path, service: dict[str, str]
) -> None:
    reports = [{"id": f"R{n}", "text": TEXT.format(n=n), "patient_id": f"P{n}"} for n in range(300)]
    archive = write_archive(tmp_path / "export.jsonl", reports)
    packed = tmp_path / "export.jsonl.gz"
    packed.write_bytes(gzip.compress(archive.read_bytes()))
    here, there = tmp_path / "here", tmp_path / "there"
    assert marrow("audit", packed, "-o", here, "--focus", "hip").returncode == 0
    done = marrow("audits", "submit", packed, "-o", there, "--focus", "hip", environment=service)
    assert done.returncode == 0, done.stderr
    for name in SAME:
        assert (there / name).read_bytes() == (here / name).read_bytes(), name
    assert {path.name for path in there.iterdir()} == {path.name for path in here.iterdir()}
    id_ = done.stdout.split()[0]
    assert "300" in done.stdout
    listed = marrow("audits", "list", environment=service).stdout
    assert id_ in listed
    assert "done" in listed
    assert "not a diagnosis" in marrow("audits", "show", id_, environment=service).stdout
    over = marrow("audits", "cancel", id_, environment=service)
    assert "AUDIT_OVER" in one_line_error(over)
    assert marrow("audits", "delete", id_, "--yes", environment=service).returncode == 0
    gone = marrow("audits", "show", id_, environment=service)
    assert "AUDIT_NOT_FOUND" in one_line_error(gone)


def test_an_archive_that_cannot_be_read_ends_with_1_and_its_reason(
    tmp_path: Path, service: dict[str, str]
) -> None:
    archive = tmp_path / "export.xyz"
    archive.write_text("Zanzibar")
    done = marrow("audits", "submit", archive, environment=service)
    assert done.returncode == 1, done.stderr
    assert "unknown_format" in done.stdout
    assert "Zanzibar" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--source"),
        (["export.csv", "--source", "file:///x"], "--source"),
        (["."], "zip"),
        (["none.csv"], "none.csv"),
        (["--source", "file:///etc/passwd"], "VALIDATION_FAILED /source"),
        (["x.csv", "--no-follow", "-o", "out"], "--no-follow"),
    ],
)
def test_a_wrong_call_is_said_in_one_line(
    words: list[str], said: str, service: dict[str, str]
) -> None:
    assert said in one_line_error(marrow("audits", "submit", *words, environment=service))
