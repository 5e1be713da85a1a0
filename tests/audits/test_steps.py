from __future__ import annotations

import csv
import json
from datetime import date
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from archives import checksum
from audits.layout import OUTPUTS, Layout
from audits.model import AuditArguments, Focus
from audits.plan import plan_archive
from audits.render import marked
from audits.shard import run_shard
from audits.steps import finish
from extractor import Level
from tests.audits.results import by_words

if TYPE_CHECKING:
    from pathlib import Path

RUN = {"finished_at": "2026-11-02T10:00:00+00:00", "workers": 1, "resumed": False}


def line(number: int, text: str, **values: Any) -> str:
    return json.dumps({"id": f"R{number}", "text": text, "modality": "MR", **values})


LINES = [
    line(1, "=cmd marrow oedema of the left hip <script>alert(1)</script> STATED:left",
         patient_id="P1", date="2019-05-01", age=44, sex="M"),
    line(2, "marrow oedema of the hip PROBABLE:right", patient_id="P2", date="2020-05-01", age=33, sex="F"),
    line(3, "hip POSSIBLE:left", patient_id="P1", date="2020-08-01", sex="M"),
    line(4, "marrow oedema of the knee", modality="CT"),
    line(4, "marrow oedema of the knee", modality="CT"),
    "{broken",
    line(5, "odd"),
]  # fmt: skip


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    return audit(tmp_path / "out", tmp_path)


def audit(out: Path, tmp_path: Path, *, focus: Focus = Focus.ALL) -> Path:
    archive = tmp_path / "reports.jsonl"
    archive.write_text("\n".join(LINES))
    arguments = AuditArguments((archive,), out, focus=focus, shard_reports=2)
    layout = Layout(arguments.out)
    engine = {"version": "0.1.0", "patterns_version": "2026.11.0", "patterns_digest": "sha256:00"}
    plan = plan_archive(arguments, layout, engine=engine)

    def extract(report: Any) -> Any:
        if report.text == "odd":
            raise ValueError(report.text)
        return by_words(report)

    for shard in reversed(plan.shards):
        run_shard(layout, shard.number, extract, report_timeout_s=5)
    finish(layout, RUN)
    return out


def summary(out: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return value


def test_the_page_counts_reports_and_extracted_ones_also_where_days_were_asked_for(
    tmp_path: Path,
) -> None:
    archive = tmp_path / "reports.jsonl"
    archive.write_text("\n".join(LINES))
    arguments = AuditArguments(
        (archive,), tmp_path / "out", shard_reports=2, since=date(2020, 1, 1)
    )
    layout = Layout(arguments.out)
    engine = {"version": "0.1.0", "patterns_version": "2026.11.0", "patterns_digest": "sha256:00"}
    for shard in plan_archive(arguments, layout, engine=engine).shards:
        run_shard(layout, shard.number, by_words, report_timeout_s=5)
    finish(layout, RUN)
    page = (arguments.out / "report.html").read_text()
    assert " cases in 4 reports" in page
    assert "<dt>reports extracted</dt><dd>4</dd>" in page


def test_all_files_stand_and_the_metadata_has_their_checksums(finished: Path) -> None:
    metadata = json.loads((finished / "metadata.json").read_text())
    assert metadata["outputs"] == {name: checksum(finished / name) for name in OUTPUTS}
    assert metadata["engine"]["patterns_digest"] == "sha256:00"
    assert metadata["inputs"][0]["name"] == "reports.jsonl"
    assert "not a diagnosis" in metadata["notice"]
    assert (
        "not a diagnosis"
        in pl.read_parquet_metadata(finished / "mentions.parquet")["marrow:notice"]
    )


def test_the_attrition_adds_up_from_rows_to_reports_in_scope(finished: Path) -> None:
    steps = {step["step"]: step["reports"] for step in summary(finished)["attrition"]}
    assert steps == {
        "rows": 7, "refused": -1, "duplicates": -1, "superseded": 0, "reports": 5, "failed": -1,
        "extracted": 4, "out_of_scope": -1, "in_scope": 3,
    }  # fmt: skip
    assert summary(finished)["failures"] == [
        {"stage": "extract", "code": "internal_error", "reports": 1},
        {"stage": "read", "code": "not_json", "reports": 1},
    ]


def test_levels_ages_and_findings_are_counted(finished: Path) -> None:
    found = summary(finished)
    assert found["levels"] == {
        **dict.fromkeys(map(str, Level), 0),
        "stated": 1,
        "probable": 1,
        "possible": 1,
    }
    assert [row["key"] for row in found["level_by_year"]] == ["2019", "2020"]
    assert {(row["band"], row["sex"], row["tagged"]) for row in found["age_sex"]} == {
        ("40-49", "M", 1), ("30-39", "F", 1), ("unknown", "M", 0),
    }  # fmt: skip
    assert found["findings"][0]["reports_affirming"] == 3
    assert found["cases"]["hips"] == 2
    assert found["patients"] == {
        "linked_reports": 3, "unlinked_reports": 1, "patients": 2, "patients_with_several_reports": 1,
    }  # fmt: skip


def test_focus_keeps_only_the_mentions_in_scope(tmp_path: Path) -> None:
    out = audit(tmp_path / "hip", tmp_path, focus=Focus.HIP)
    assert pl.read_parquet(out / "mentions.parquet").height == 2
    assert pl.read_parquet(out / "assessments.parquet").height == 4


def test_a_case_opens_in_a_spreadsheet_as_text(finished: Path) -> None:
    with (finished / "cases.csv").open(encoding="utf-8-sig", newline="") as stream:
        cases = list(csv.DictReader(stream))
    assert [case["level"] for case in cases] == ["stated", "probable"]
    assert cases[0]["core"] == "C1: “marrow oedema”"


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_is_self_contained_and_shows_text_as_text(finished: Path) -> None:
    text = (finished / "report.html").read_text()
    page = Page(text)
    assert not [tag for tag, _ in page.tags if tag in {"script", "link", "img", "iframe"}]
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#")
    assert "&lt;script&gt;" in text
    assert "<mark>marrow oedema</mark>" in text
    assert text.count("not a diagnosis") >= 1
    assert "sha256:00" in text


def test_the_page_names_its_plots_and_its_ids_are_its_own(finished: Path) -> None:
    page = Page((finished / "report.html").read_text())
    plots = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(plots) == 3
    ids = [attributes["id"] for _, attributes in page.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    for plot in plots:
        assert plot["role"] == "img"
        assert set((plot["aria-labelledby"] or "").split()) <= set(ids)


def test_an_audit_of_nothing_still_gives_every_file(tmp_path: Path) -> None:
    archive = tmp_path / "empty.jsonl"
    archive.write_text("\n")
    layout = Layout(tmp_path / "out")
    engine = {"version": "0", "patterns_version": "0", "patterns_digest": "0"}
    plan_archive(AuditArguments((archive,), layout.out), layout, engine=engine)
    finish(layout, RUN)
    assert all((layout.out / name).exists() for name in (*OUTPUTS, "metadata.json"))


def test_a_quote_across_a_line_break_is_marked_in_its_folded_context() -> None:
    assert (
        marked("low marrow oedema <b>", "marrow\n oedema")
        == "low <mark>marrow oedema</mark> &lt;b&gt;"
    )
    assert marked("elsewhere", "a<b") == "<mark>a&lt;b</mark>"
