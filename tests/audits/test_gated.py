from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from audits import tables
from audits.layout import OUTPUTS, Layout
from audits.model import AuditArguments, Focus
from audits.passing import Passing
from audits.plan import plan_archive
from audits.shard import report_of, run_shard
from audits.steps import finish
from extractor import Extractor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.model import Plan

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path("/work/shared/data/reports")
EVERY = "MARROW_ALL_REPORTS" in os.environ
MOST_OF_A_CORPUS = 150
RUN: dict[str, Any] = {"started_at": "", "finished_at": "", "workers": 1, "resumed": False}
ENGINE = {"version": "0", "patterns_version": "0", "patterns_digest": "0"}


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    return Extractor.load()


def some_reports() -> Iterator[dict[str, Any]]:
    """Reports with all kinds of metadata: our own, and of each corpus some (or all)."""
    files = [*(ROOT / "tests/gold").glob("*.jsonl"), *SHARED.glob("*.jsonl")]
    for path in sorted(files):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        texts = [row for row in rows if "text" in row]
        step = 1 if EVERY else len(texts) // MOST_OF_A_CORPUS + 1
        for number, row in enumerate(texts[::step]):
            kept = {name: row[name] for name in ("text", "patient", "study") if name in row}
            yield {**kept, "id": f"{path.stem} {number}"}
    with (ROOT / "examples/archive.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
    yield {"text": "Chest clear.", "accession": "A1", "issued": "2020-01-01 10:00"}
    yield {"text": "Chest clear. Hip normal.", "accession": "A1", "issued": "2020-01-01 11:00"}
    yield {"text": "MRI hip.", "accession": "A2", "issued": "2020-01-01 11:00"}
    yield {"text": "No, it was the chest.", "accession": "A2", "issued": "2020-01-01 12:00"}
    yield {"text": "x" * 200_001}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gated") / "reports.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in some_reports()), encoding="utf-8")
    return path


def audit(archive: Path, out: Path, extractor: Extractor, *, gate: bool) -> Plan:
    arguments = AuditArguments((archive,), out, focus=Focus.HIP)
    layout = Layout(out)
    passing = Passing(extractor) if gate else None
    plan = plan_archive(arguments, layout, engine=ENGINE, splitter=passing)
    for shard in plan.shards:
        run_shard(layout, shard.number, extractor.extract_focused, report_timeout_s=30)
    finish(layout, RUN)
    return plan


def test_an_audit_writes_the_same_bytes_with_and_without_the_gate(
    tmp_path: Path, archive: Path, extractor: Extractor
) -> None:
    with_gate = audit(archive, tmp_path / "with", extractor, gate=True)
    without = audit(archive, tmp_path / "without", extractor, gate=False)
    assert with_gate.planned == without.planned
    assert without.passed_over == 0
    assert with_gate.passed_over > without.planned / 5
    assert sum(shard.reports for shard in with_gate.shards) < without.planned
    for name in OUTPUTS:
        assert (tmp_path / "with" / name).read_bytes() == (tmp_path / "without" / name).read_bytes()


def test_a_report_that_is_passed_over_is_assessed_as_the_extractor_does(
    archive: Path, tmp_path: Path, extractor: Extractor
) -> None:
    layout = Layout(tmp_path)
    plan_archive(AuditArguments((archive,), tmp_path), layout, engine=ENGINE)
    shards = sorted(layout.shard(1).parent.glob("*.parquet"))
    reports = pl.concat([pl.read_parquet(path) for path in shards])
    read, passed = Passing(extractor).split(reports)
    assert read.height + passed.height == reports.height
    rows = {row["row"]: row for row in reports.iter_rows(named=True)}
    for found in passed.drop("issued").iter_rows(named=True):
        row = rows[found["row"]]
        result = extractor.extract_focused(report_of(row))
        assert found == tables.assessment_row(row, result)


def test_a_plan_leaves_no_text_of_what_is_passed_over(tmp_path: Path, extractor: Extractor) -> None:
    archive = tmp_path / "reports.jsonl"
    archive.write_text('{"text": "Zanzibar. Chest clear."}\n{"text": "MRI hip. Normal."}\n')
    arguments = AuditArguments((archive,), tmp_path / "out", focus=Focus.HIP)
    layout = Layout(arguments.out)
    plan = plan_archive(arguments, layout, engine=ENGINE, splitter=Passing(extractor))
    assert (plan.planned, plan.passed_over) == (2, 1)
    frames = [pl.read_parquet(path) for path in layout.work.rglob("*.parquet")]
    assert "Zanzibar" not in str([frame.rows() for frame in frames])


def test_nothing_to_pass_over_and_nothing_to_read_are_both_planned(
    tmp_path: Path, extractor: Extractor
) -> None:
    for name, text in (("hip", "MRI hip. Normal."), ("chest", "Chest clear.")):
        archive = tmp_path / f"{name}.jsonl"
        archive.write_text(json.dumps({"text": text}))
        plan = audit(archive, tmp_path / name, extractor, gate=True)
        assert (plan.planned, plan.passed_over) == (1, int(name == "chest"))
        assert pl.read_parquet(tmp_path / name / "assessments.parquet").height == 1
