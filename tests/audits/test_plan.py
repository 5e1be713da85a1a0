from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.layout import Layout
from audits.model import AuditArguments
from audits.plan import plan_archive
from audits.plan_file import load_plan
from audits.versions import decide, identify

if TYPE_CHECKING:
    from pathlib import Path

    from audits.model import Plan


def plan(tmp_path: Path, lines: list[Any], *, shard_reports: int = 3) -> tuple[Plan, pl.DataFrame]:
    archive = tmp_path / "reports.jsonl"
    archive.write_text(
        "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    )
    arguments = AuditArguments((archive,), tmp_path / "out", shard_reports=shard_reports)
    layout = Layout(arguments.out)
    made = plan_archive(arguments, layout, engine={"version": "1"})
    frames = [pl.read_parquet(layout.shard(shard.number)) for shard in made.shards]
    return made, pl.concat(frames) if frames else pl.DataFrame()


def report(text: str, **values: Any) -> dict[str, Any]:
    return {"text": text, **values}


def test_every_row_is_planned_refused_or_left_out(tmp_path: Path) -> None:
    lines: list[Any] = [report(f"text {number}", id=str(number)) for number in range(7)]
    made, reports = plan(tmp_path, [*lines, "{broken", lines[0]])
    assert (made.rows_read, made.refused, made.duplicates, made.superseded) == (9, 1, 1, 0)
    assert made.planned == reports.height == 7
    assert [shard.reports for shard in made.shards] == [2, 3, 2]
    assert reports["row"].is_sorted()


def test_the_newest_version_of_an_accession_is_kept(tmp_path: Path) -> None:
    made, reports = plan(
        tmp_path,
        [
            report("final", accession="A", issued="2020-01-03 10:00"),
            report("preliminary", accession="A", issued="2020-01-03 08:00"),
            report("preliminary", accession="A", issued="2020-01-03 08:00"),
            report("later in the file", accession="B"),
            report("latest in the file", accession="B"),
            report("elsewhere", accession="B", source="south"),
            report("someone else", accession="B", patient_id="P2"),
        ],
    )
    assert (made.duplicates, made.superseded) == (1, 2)
    assert sorted(reports["text"]) == ["elsewhere", "final", "latest in the file", "someone else"]


def test_equal_texts_are_one_report_only_where_something_says_so(tmp_path: Path) -> None:
    normal = "Normal hip."
    made, _ = plan(tmp_path, [report(normal), report(normal)])
    assert made.planned == 2
    same_day = report(normal, patient_id="P", date="2020-01-01")
    made, _ = plan(tmp_path, [same_day, same_day, {**same_day, "text": "Another examination."}])
    assert (made.planned, made.duplicates, made.superseded) == (2, 1, 0)


def test_reports_without_an_id_are_named_by_accession_or_place(tmp_path: Path) -> None:
    _, reports = plan(tmp_path, [report("a", accession="A7"), report("b"), report("c", id="R1")])
    assert reports["report_id"].to_list() == ["A7", "reports.jsonl:2", "R1"]


def test_a_plan_is_read_back_as_it_was(tmp_path: Path) -> None:
    made, _ = plan(tmp_path, [report("a")])
    assert load_plan(Layout(tmp_path / "out")) == made
    assert load_plan(Layout(tmp_path / "other")) is None


def test_an_archive_without_reports_gives_an_empty_plan(tmp_path: Path) -> None:
    made, reports = plan(tmp_path, ["{"])
    assert (made.planned, made.shards, reports.height) == (0, (), 0)


_KEYS = st.lists(
    st.tuples(
        st.sampled_from(["n", "s"]),
        st.sampled_from([None, "A", "B"]),
        st.sampled_from([None, "1", "2"]),
        st.sampled_from([None, "P"]),
        st.sampled_from([None, "2020-01-01"]),
        st.sampled_from([None, "2020-01-02", "2020-01-03"]),
        st.sampled_from(["x", "y", "z"]),
    ),
    max_size=25,
)


@given(_KEYS)
def test_no_row_is_lost_or_counted_twice(rows: list[tuple[str | None, ...]]) -> None:
    names = (
        "source",
        "accession",
        "report_id",
        "patient_id",
        "study_date",
        "issued",
        "text_sha256",
    )
    schema: dict[str, Any] = {"row": pl.Int64, **dict.fromkeys(names, pl.String)}
    keys = pl.DataFrame(
        [(number, *row) for number, row in enumerate(rows)], schema=schema, orient="row"
    )
    kept, duplicates, superseded = decide(identify(keys).lazy())
    assert len(kept) + duplicates + superseded == len(rows)
    if rows:
        again, *lost = decide(identify(keys.filter(pl.col("row").is_in(kept.implode()))).lazy())
        assert (again.to_list(), lost) == (kept.to_list(), [0, 0])


@pytest.mark.parametrize("shard_reports", [1, 2, 100])
def test_the_cut_into_shards_does_not_change_what_is_kept(
    tmp_path: Path, shard_reports: int
) -> None:
    lines = [report(f"text {number % 3}", accession=str(number % 4)) for number in range(20)]
    _, reports = plan(tmp_path, lines, shard_reports=shard_reports)
    assert reports["row"].to_list() == [17, 18, 19, 20]
