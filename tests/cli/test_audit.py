from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from audits.layout import OUTPUTS
from extractor.knowledge.load import shipped_directory
from tests.cli.commands import ROOT, command, marrow, one_line_error, write_archive

if TYPE_CHECKING:
    from collections.abc import Iterator

CASE = (
    "MRI LEFT HIP. 41-year-old man, no trauma. Extensive bone marrow oedema of the left femoral "
    "head and neck. Small joint effusion. Impression: Transient osteoporosis of the left hip. ({n})"
)
CHEST = "Chest radiograph {n}: no pleural effusion. Normal heart size."
SORTED = [name for name in OUTPUTS if name != "report.html"]
"""What must be the same to the byte; the page tells when it was made."""


def reports(number: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"R{n}", "text": (CASE if n % 50 == 0 else CHEST).format(n=n),
            "patient_id": f"P{n % 97}", "date": f"20{10 + n % 12}-03-{1 + n % 28:02d}", "sex": "M",
        }
        for n in range(number)
    ]  # fmt: skip


def contents(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in SORTED}


def start(*words: str | Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command(*words),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def wait_for_shards(out: Path, number: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    while len(list(out.glob("work/results/0*"))) < number:
        assert process.poll() is None, "the audit ended before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def processes_of(text: str) -> list[int]:
    """Return the processes that have these words in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes()
        except (OSError, NotADirectoryError):
            continue
        if entry.name.isdigit() and text.encode() in words:
            found.append(int(entry.name))
    return found


@pytest.fixture(scope="module", autouse=True)
def patterns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The shipped patterns as they are now: someone may edit them while the tests run."""
    copy = tmp_path_factory.mktemp("patterns") / "patterns"
    shutil.copytree(shipped_directory(), copy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARROW_PATTERNS", str(copy))
        yield


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_archive(tmp_path_factory.mktemp("archive") / "reports.jsonl", reports(1600))


@pytest.fixture(scope="module")
def undisturbed(archive: Path) -> Path:
    out = archive.parent / "one"
    done = marrow("audit", archive, "-o", out, "--workers", "1")
    assert done.returncode == 0, done.stderr
    return out


def test_an_audit_prints_its_sums_and_leaves_no_text_behind(undisturbed: Path) -> None:
    assert sorted(item.name for item in undisturbed.iterdir()) == sorted(
        [*OUTPUTS, "metadata.json"]
    )
    summary = json.loads((undisturbed / "summary.json").read_text())
    steps = {step["step"]: step["reports"] for step in summary["attrition"]}
    assert steps["rows"] == steps["extracted"] == 1600
    with (undisturbed / "cases.csv").open(encoding="utf-8-sig", newline="") as stream:
        cases = list(csv.DictReader(stream))
    assert sum(int(case["reports"]) for case in cases) == 32
    assert all("Transient osteoporosis" in case["named"] for case in cases)


@pytest.mark.slow
def test_two_processes_write_the_same_bytes_as_one(archive: Path, undisturbed: Path) -> None:
    out = archive.parent / "two"
    assert marrow("audit", archive, "-o", out, "--workers", "2").returncode == 0
    assert contents(out) == contents(undisturbed)


@pytest.mark.slow
def test_killed_and_resumed_it_writes_the_same_bytes(archive: Path, undisturbed: Path) -> None:
    out = archive.parent / "killed"
    for shards in (1, 3):
        words = ["--resume"] if out.exists() else []
        process = start("audit", archive, "-o", out, "--workers", "2", *words)
        wait_for_shards(out, shards, process)
        process.kill()
        process.communicate(timeout=30)
    deadline = time.monotonic() + 20
    while processes_of(str(out)):
        assert time.monotonic() < deadline, "processes outlive the audit"
        time.sleep(0.05)
    assert "unfinished" in one_line_error(marrow("audit", archive, "-o", out))
    done = marrow("audit", archive, "-o", out, "--resume", "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert "done before" in done.stderr
    assert contents(out) == contents(undisturbed)


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on_and_loses_nothing(archive: Path, undisturbed: Path) -> None:
    out = archive.parent / "stopped"
    process = start("audit", archive, "-o", out, "--workers", "2")
    wait_for_shards(out, 1, process)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"--resume" in stderr
    assert b"Traceback" not in stderr
    assert marrow("audit", archive, "-o", out, "--resume").returncode == 0
    assert contents(out) == contents(undisturbed)
    again = marrow("audit", archive, "-o", out, "--resume")
    assert "finished before" in again.stdout


@pytest.mark.slow
def test_a_killed_process_is_replaced_and_its_shard_done_again(
    archive: Path, undisturbed: Path
) -> None:
    out = archive.parent / "wounded"
    process = start("audit", archive, "-o", out, "--workers", "2")
    wait_for_shards(out, 1, process)
    children = [pid for pid in processes_of(str(out)) if pid != process.pid]
    os.kill(children[0], signal.SIGKILL)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    assert contents(out) == contents(undisturbed)


def test_an_audit_is_not_resumed_with_another_archive_or_focus(
    tmp_path: Path, archive: Path
) -> None:
    out = tmp_path / "out"
    process = start("audit", archive, "-o", out)
    wait_for_shards(out, 1, process)
    process.kill()
    process.communicate(timeout=30)
    other = write_archive(tmp_path / "reports.jsonl", reports(3))
    assert "archive is not the one" in one_line_error(marrow("audit", other, "-o", out, "--resume"))
    changed = marrow("audit", archive, "-o", out, "--resume", "--focus", "hip")
    assert "another focus" in one_line_error(changed)


def test_a_directory_that_holds_something_else_is_left_alone(tmp_path: Path, archive: Path) -> None:
    (tmp_path / "thesis.docx").write_text("mine")
    assert "other files" in one_line_error(marrow("audit", archive, "-o", tmp_path))
    assert (tmp_path / "thesis.docx").read_text() == "mine"


def test_what_cannot_be_audited_is_said_in_one_line(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "no file" in one_line_error(marrow("audit", tmp_path / "absent.csv", "-o", out))
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n")
    assert "--map text=COLUMN" in one_line_error(marrow("audit", table, "-o", out))
    done = marrow("audit", table, "-o", out, "--map", "text=b")
    assert done.returncode == 0, done.stderr


def test_rows_that_fail_are_listed_and_the_audit_succeeds(tmp_path: Path) -> None:
    archive = tmp_path / "reports.jsonl"
    archive.write_text(
        '{"text": "Zanzibar' + "x" * 200_001 + '"}\n{broken Zanzibar\n{"text": "Fine."}\n'
    )
    done = marrow("audit", archive, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "2 could not be read: text_too_long 1, not_json 1" in done.stdout
    with (tmp_path / "out/failures.csv").open(encoding="utf-8-sig", newline="") as stream:
        failures = [(row["line"], row["stage"], row["code"]) for row in csv.DictReader(stream)]
    assert failures == [("1", "extract", "text_too_long"), ("2", "read", "not_json")]
    for name in OUTPUTS:
        assert b"Zanzibar" not in (tmp_path / "out" / name).read_bytes()


SCOUT = ROOT.parent / "shared/data/formats/scout_hl7"


@pytest.mark.slow
@pytest.mark.skipif(not SCOUT.exists(), reason="the shared sample files are not here")
def test_every_message_of_a_real_feed_is_a_result_or_a_listed_failure(tmp_path: Path) -> None:
    done = marrow("audit", SCOUT, "-o", tmp_path / "out", "--workers", "2")
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    steps = {step["step"]: step["reports"] for step in summary["attrition"]}
    left_out = -(steps["refused"] + steps["duplicates"] + steps["superseded"] + steps["failed"])
    assert steps["rows"] == steps["extracted"] + left_out == 907
