"""One command over every format: each message or resource is a result or a listed failure."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from tests.archives.hostile_files import REFUSED, REPORTS, write_hostile
from tests.cli.commands import marrow

FORMATS = Path(__file__).parents[3] / "shared/data/formats"

FAULTS = {
    "20160829.log": "not_hl7",
    "20190106.log": "empty_hl7",
    "20230113.log": "not_hl7",
    "20240102.log": "no_hl7_message",
    "ORU^R01-CDA.hl7": "embedded_document",
    "ORU^R01-PDF.hl7": "embedded_document",
    "DiagnosticReport-bone-density-report.json": "embedded_document",
    "DiagnosticReport-cardiology-report.json": "embedded_document",
    "diagnosticreport-cbc.json": "no_text",
    "modality_mapping_codes.csv": "columns_not_recognised",
    "LICENSE": "unknown_format",
    "README.md": "unknown_format",
    "PROVENANCE.md": "unknown_format",
}
"""What is wrong with files of the shared samples, apart from messages without any OBX."""


def audited(archive: Path, out: Path) -> tuple[dict[str, int], list[dict[str, str]], pl.DataFrame]:
    """Return the attrition, the failures and the assessments of an audit by the command."""
    done = marrow("audit", archive, "-o", out)
    assert done.returncode == 0, done.stderr
    summary = json.loads((out / "summary.json").read_text())
    steps = {step["step"]: abs(step["reports"]) for step in summary["attrition"]}
    with (out / "failures.csv").open(encoding="utf-8-sig", newline="") as stream:
        failures = list(csv.DictReader(stream))
    assessments = pl.read_parquet(out / "assessments.parquet")
    assert steps["rows"] == (
        steps["refused"] + steps["duplicates"] + steps["superseded"] + steps["reports"]
    )
    assert steps["reports"] == steps["failed"] + assessments.height
    assert len(failures) == steps["refused"] + steps["failed"]
    assert all(failure["code"] and failure["detail"] for failure in failures)
    return steps, failures, assessments


def written(path: Path) -> int:
    """Return how many messages or resources a sample holds, counted without our readers."""
    if path.suffix == ".log":
        return path.read_bytes().count(b"<SB>") or 1
    return 1


def has_text(message: bytes) -> bool:
    """Say whether a framed message has an OBX segment at all."""
    return b"\nOBX|" in message or b"<R>OBX|" in message


@pytest.mark.slow
@pytest.mark.skipif(not FORMATS.exists(), reason="the shared sample files are not here")
def test_every_message_and_resource_of_the_samples_is_a_result_or_a_listed_failure(
    tmp_path: Path,
) -> None:
    files = [path for path in FORMATS.rglob("*") if path.is_file()]
    steps, failures, assessments = audited(FORMATS, tmp_path / "out")
    assert steps["rows"] == sum(written(path) for path in files)
    faults = {Path(failure["path"]).name: failure["code"] for failure in failures}
    assert {name: faults.get(name) for name in FAULTS} == FAULTS
    others = Counter(
        failure["code"] for failure in failures if Path(failure["path"]).name not in FAULTS
    )
    messages = [
        frame
        for path in files
        if path.suffix == ".log" and path.name not in FAULTS
        for frame in path.read_bytes().split(b"<SB>")[1:]
    ]
    assert others == {"no_text": sum(not has_text(message) for message in messages)}
    suffixes = Counter(Path(path).suffix for path in assessments["path"])
    assert suffixes.keys() == {".log", ".hl7", ".json", ".xml", ".dcm"}


@pytest.mark.slow
def test_a_hostile_archive_is_audited_to_its_end(tmp_path: Path) -> None:
    archive = write_hostile(tmp_path / "archive")
    steps, failures, assessments = audited(archive, tmp_path / "out")
    assert (steps["refused"], steps["failed"]) == (REFUSED, 0)
    assert steps["rows"] == REPORTS + REFUSED
    assert assessments.height == REPORTS - steps["duplicates"] - steps["superseded"]
    assert not any(cell.startswith(("=", "+", "@")) for row in failures for cell in row.values())
    assert not list(tmp_path.rglob("outside*"))
