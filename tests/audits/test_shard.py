from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl

from audits.layout import Layout
from audits.model import AuditArguments
from audits.plan import plan_archive
from audits.shard import run_shard
from audits.tables import context
from extractor import TextTooLongError
from tests.audits.results import by_words

if TYPE_CHECKING:
    from pathlib import Path

    from extractor import Report, Result

SECRET = "Zanzibar"


def planned(tmp_path: Path, texts: list[str]) -> Layout:
    archive = tmp_path / "reports.jsonl"
    archive.write_text(
        "\n".join(json.dumps({"id": f"R{n}", "text": text}) for n, text in enumerate(texts))
    )
    arguments = AuditArguments((archive,), tmp_path / "out")
    layout = Layout(arguments.out)
    plan_archive(arguments, layout, engine={})
    return layout


def troubled(report: Report) -> Result:
    if "long" in report.text:
        raise TextTooLongError(5, 3)
    if "endless" in report.text:
        while True:
            pass
    if "odd" in report.text:
        raise KeyError(report.text)
    return by_words(report)


def test_each_report_is_a_result_or_a_failure_with_its_reason(tmp_path: Path) -> None:
    texts = [f"{word} {SECRET}" for word in ("fine", "long", "endless", "odd", "fine", "skipped")]
    layout = planned(tmp_path, texts)
    begun: list[int] = []
    counts = run_shard(layout, 1, troubled, report_timeout_s=0.2, skip={6}, on_report=begun.append)
    assert (counts.reports, counts.failed) == (6, 4)
    assert begun == [1, 2, 3, 4, 5]
    failures = pl.read_parquet(layout.result(1) / "failures.parquet")
    assert failures.select("row", "code").rows() == [
        (2, "text_too_long"), (3, "timeout"), (4, "internal_error"), (6, "process_died"),
    ]  # fmt: skip
    assert SECRET not in str(failures.rows())
    assert pl.read_parquet(layout.result(1) / "assessments.parquet")["row"].to_list() == [1, 5]


def test_the_results_hold_quotes_in_their_context_and_where_each_report_stood(
    tmp_path: Path,
) -> None:
    layout = planned(tmp_path, ["There is marrow oedema of the left hip. STATED:left"])
    assert run_shard(layout, 1, by_words, report_timeout_s=5).cases == 1
    mention = pl.read_parquet(layout.result(1) / "mentions.parquet").row(0, named=True)
    assert mention["context"] == "There is marrow oedema of the left hip. STATED:left"
    assessment = pl.read_parquet(layout.result(1) / "assessments.parquet").row(0, named=True)
    assert (assessment["path"], assessment["line"], assessment["level"]) == (
        "reports.jsonl",
        1,
        "stated",
    )
    assert json.loads(assessment["sides"])["left"]["core"] == [{"atom": "C1", "mentions": [1]}]


def test_a_shard_that_is_run_twice_keeps_the_first_result(tmp_path: Path) -> None:
    layout = planned(tmp_path, ["fine"])
    run_shard(layout, 1, by_words, report_timeout_s=5)
    before = (layout.result(1) / "assessments.parquet").stat().st_ino
    run_shard(layout, 1, by_words, report_timeout_s=5)
    assert (layout.result(1) / "assessments.parquet").stat().st_ino == before
    assert [item.name for item in layout.result(1).parent.iterdir()] == ["000001"]


def test_context_is_cut_at_words_and_holds_the_quote() -> None:
    text = "word " * 50 + "marrow\noedema" + " tail" * 50
    start = text.index("marrow")
    found = context(text, start, start + 13)
    assert "marrow oedema" in found
    assert found.startswith("… word")
    assert found.endswith("tail …")
    assert len(found) < 220
