"""``marrow validation`` on an audit of the sample archive: drawn alike, blind, with the reports' words."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app

ARCHIVE = Path(__file__).resolve().parents[2] / "examples" / "archive.csv"
runner = CliRunner()


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("validation") / "audit"
    command = [sys.executable, "-m", "cli", "audit", str(ARCHIVE), "-o", str(out), "--focus", "hip"]
    subprocess.run(command, check=True, capture_output=True)
    return out


def sheet(out: Path) -> list[dict[str, str]]:
    with (out / "validation" / "review.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_sample_is_drawn_reviewed_and_weighed(audited: Path, tmp_path: Path) -> None:
    sizes = ["--cases", "12", "--named", "9", "--rest", "5"]
    drawn = runner.invoke(
        app, ["validation", "sample", str(audited), *sizes, "--archive", str(ARCHIVE)]
    )
    assert drawn.exit_code == 0, drawn.output
    rows = sheet(audited)
    assert len(rows) == 26
    with ARCHIVE.open(encoding="utf-8", newline="") as file:
        texts = {row["report_id"]: row["text"] for row in csv.DictReader(file)}
    assert all(row["text"] == texts[row["report_id"]] for row in rows)
    key = json.loads((audited / "validation" / "sample.json").read_text())
    cases = {one["item"] for one in key["items"] if one["stratum"] == "cases"}
    for name, denied in (("a.csv", ()), ("b.csv", sorted(cases)[:2])):
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            for row in rows:
                is_case = row["item"] in cases and row["item"] not in denied
                writer.writerow({**row, "decision": "case" if is_case else "no_case"})
    told = runner.invoke(
        app,
        ["validation", "report", str(audited), str(tmp_path / "a.csv"), str(tmp_path / "b.csv")],
    )
    assert told.exit_code == 0, told.output
    found = json.loads((audited / "validation" / "validation.json").read_text())
    assert (found["ppv"]["hits"], found["ppv"]["of"]) == (10, 10)
    assert found["agreement"]["disagreements"] == sorted(cases)[:2]
    assert found["patterns_digest"].startswith("sha256:")
    assert "To be decided together" in told.output
    again = runner.invoke(app, ["validation", "sample", str(audited), *sizes])
    assert again.exit_code == 2
    assert "is there already" in again.output


def test_an_audit_that_is_not_finished_has_no_sample(tmp_path: Path) -> None:
    told = runner.invoke(app, ["validation", "sample", str(tmp_path)])
    assert told.exit_code == 2
    assert "holds no finished audit" in told.output


def test_another_archive_than_the_audited_one_is_refused(audited: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(ARCHIVE.read_text(encoding="utf-8").replace("hip", "HIP"), encoding="utf-8")
    (audited / "validation" / "sample.json").unlink(missing_ok=True)
    told = runner.invoke(app, ["validation", "sample", str(audited), "--archive", str(other)])
    assert told.exit_code == 2
    assert "not the one that was audited" in " ".join(told.output.split())
