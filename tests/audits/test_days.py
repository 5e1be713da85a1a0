"""An audit of some days: the others are left out, and counted; and one at an odd path."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from audits.layout import Layout
from audits.model import AuditArguments
from audits.plan import plan_archive
from audits.shard import run_shard
from audits.steps import finish
from tests.audits.results import by_words

if TYPE_CHECKING:
    from pathlib import Path

DAYS = ["2019-12-31", "2020-01-01", "2020-06-15", "2020-12-31", "2021-01-01", None]


def test_a_path_with_brackets_is_a_path_and_no_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "audit [1] *"
    folder.mkdir()
    table = pl.DataFrame({"report_id": ["R1"], "text": ["hip NONE:left"], "date": ["2020-01-01"]})
    table.write_parquet(folder / "reports.parquet")
    arguments = AuditArguments((folder / "reports.parquet",), folder / "out")
    summary = audited(arguments)
    assert summary["attrition"][-1]["reports"] == 1


def audited(arguments: AuditArguments) -> dict[str, Any]:
    layout = Layout(arguments.out)
    engine = {"version": "0.1.0", "patterns_version": "2026.11.0", "patterns_digest": "sha256:00"}
    plan = plan_archive(arguments, layout, engine=engine)
    for shard in plan.shards:
        run_shard(layout, shard.number, by_words, report_timeout_s=5)
    return finish(layout, {"finished_at": "", "workers": 1, "resumed": False})


@pytest.mark.parametrize(
    ("since", "until", "kept"),
    [
        (None, None, DAYS),
        (date(2020, 1, 1), None, DAYS[1:]),
        (None, date(2020, 12, 31), [*DAYS[:4], None]),
        (date(2020, 1, 1), date(2020, 12, 31), [*DAYS[1:4], None]),
        (date(2030, 1, 1), None, [None]),
    ],
)
def test_only_reports_of_the_days_asked_for_are_read(
    tmp_path: Path, since: date | None, until: date | None, kept: list[str | None]
) -> None:
    archive = tmp_path / "reports.jsonl"
    rows = [{"id": f"R{n}", "text": "hip NONE:left", "date": day} for n, day in enumerate(DAYS)]
    archive.write_text("\n".join(map(json.dumps, rows)))
    arguments = AuditArguments((archive,), tmp_path / "out", since=since, until=until)
    layout = Layout(arguments.out)
    summary = audited(arguments)
    assert pl.read_parquet(layout.out / "assessments.parquet")["study_date"].to_list() == kept
    steps = {step["step"]: step["reports"] for step in summary["attrition"]}
    assert steps.get("undesired", 0) == len(kept) - len(DAYS)
    assert ("undesired" in steps) == bool(since or until)
    metadata = json.loads(layout.metadata.read_text())
    assert metadata["arguments"].get("since") == (since.isoformat() if since else None)
