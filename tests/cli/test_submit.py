from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import marrow, one_line_error, write_archive

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
TEXT = "MRI hip. Bone marrow oedema of the left femoral head and neck. Small effusion. ({n})"


def test_files_are_posted_once_and_followed_until_done(
    tmp_path: Path, service: dict[str, str]
) -> None:
    reports = [{"id": f"R{n}", "text": TEXT.format(n=n)} for n in range(250)]
    archive = write_archive(tmp_path / "reports.jsonl", reports)
    results = tmp_path / "results.jsonl"
    done = marrow("submit", archive, "-o", results, environment=service)
    assert done.returncode == 0, done.stderr
    assert "250 reports posted, 250 of them new" in done.stdout
    assert "250 done" in done.stdout
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    assert [line["report_id"] for line in lines] == [f"R{n}" for n in range(250)]
    assert all(line["mentions"] for line in lines)
    again = marrow("submit", archive, environment=service)
    assert "250 reports posted, 0 of them new" in again.stdout


def test_a_report_that_the_service_refuses_does_not_hold_up_the_others(
    tmp_path: Path, service: dict[str, str]
) -> None:
    reports = [{"id": f"S{n}", "text": TEXT.format(n=n)} for n in range(9)]
    reports[4]["text"] = "Zanzibar " + "x" * 200_001
    archive = write_archive(tmp_path / "reports.jsonl", reports)
    done = marrow("submit", archive, environment=service)
    assert done.returncode == 0, done.stderr
    assert "8 reports posted" in done.stdout
    assert "not posted: reports.jsonl:5: VALIDATION_FAILED" in done.stdout
    assert "Zanzibar" not in done.stdout + done.stderr


def test_a_wrong_key_is_said_in_one_line(tmp_path: Path, service: dict[str, str]) -> None:
    archive = write_archive(tmp_path / "reports.jsonl", [{"text": "Fine."}])
    wrong = {**service, "MARROW_API_KEY": service["MARROW_API_KEY"][:-1] + "x"}
    assert "refuses the key" in one_line_error(marrow("submit", archive, environment=wrong))
    none = {**service, "MARROW_API_KEY": ""}
    assert "MARROW_API_KEY" in one_line_error(marrow("submit", archive, environment=none))
