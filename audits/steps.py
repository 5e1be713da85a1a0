"""The steps of an audit after its plan, as pure functions over the output directory.

Imports polars, whose threads do not survive a fork: a process that forks must not import this
module before (see ``audits.run``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

from archives import checksum
from archives.write import NOTICE, write_csv, write_json, write_text
from audits import tables
from audits.cases_file import write_cases
from audits.course_events import CourseBook
from audits.course_summary import changed_sides, summarise_courses
from audits.gathering import in_order, passed_frames, patient_ranges, shard_frames, write_frames
from audits.history import find_histories
from audits.layout import OUTPUTS
from audits.link import find_cases
from audits.mention_counts import MentionCounts
from audits.model import Focus
from audits.plan_file import load_plan
from audits.render import render
from audits.summarise import FailureCounts, PatientCounts, summarise
from audits.timelines import PATIENTS, Timelines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.layout import Layout


def finish(layout: Layout, run: dict[str, Any]) -> dict[str, Any]:
    """Collect the shards' results and write every output; return the summary.

    ``run`` is what differs between runs of the same audit (times, workers): it goes into
    ``metadata.json`` and nowhere else.
    """
    plan = load_plan(layout)
    if plan is None:
        raise FileNotFoundError(layout.plan)
    shards = [shard.number for shard in plan.shards]
    facts = {"engine": json.dumps(plan.identity["engine"], sort_keys=True)}
    assessments = _write_assessments(layout, shards, facts)
    mentions, counts = _write_mentions(
        layout, shards, facts, in_scope_alone=plan.identity["focus"] == Focus.HIP
    )
    patients = PatientCounts()
    book = CourseBook.of_plan(plan.definition)
    timelines = Timelines(book, find_histories(mentions, book.course.history))
    write_frames(
        patients.counting(map(timelines.link, patient_ranges(assessments))),
        layout.out / "patients.parquet",
        schema=PATIENTS,
        facts=facts,
    )
    failures = _write_failures(layout, shards)
    cases = find_cases(
        assessments, mentions, titles=plan.titles, naming=plan.naming, timelines=timelines
    )
    summary = summarise(
        plan, assessments, counts, failures=failures, patients=patients, cases=cases
    ) | {"course": summarise_courses(timelines)}
    write_cases(cases, layout.out / "cases.csv")
    write_json(summary, layout.out / "summary.json")
    changed = changed_sides(timelines)
    page = render(summary, cases, run=run, inputs=plan.inputs, changed=changed)
    write_text(page, layout.out / "report.html")
    write_json(_metadata(layout, run), layout.metadata)
    return summary


def _write_assessments(layout: Layout, shards: list[int], facts: dict[str, str]) -> pl.LazyFrame:
    path = layout.out / "assessments.parquet"
    read = shard_frames(layout, shards, "assessments")
    frames = in_order(read, passed_frames(layout))
    write_frames(frames, path, schema=tables.ASSESSMENTS, facts=facts)
    return pl.scan_parquet(path, glob=False)


def _write_mentions(
    layout: Layout, shards: list[int], facts: dict[str, str], *, in_scope_alone: bool
) -> tuple[pl.LazyFrame, MentionCounts]:
    """Write the mentions, of reports in scope alone where the audit is about these; count them."""
    path = layout.out / "mentions.parquet"
    counts = MentionCounts()

    def frames() -> Iterator[pl.DataFrame]:
        both = zip(
            shard_frames(layout, shards, "mentions"),
            shard_frames(layout, shards, "assessments"),
            strict=True,
        )
        for mentions, assessments in both:
            shown = (
                assessments.filter(pl.col("in_scope"))["row"]
                if in_scope_alone
                else assessments["row"]
            )
            kept = mentions.filter(pl.col("row").is_in(shown.implode())).sort("row", "id")
            counts.add(kept)
            yield kept

    write_frames(frames(), path, schema=tables.MENTIONS, facts=facts)
    return pl.scan_parquet(path, glob=False), counts


def _write_failures(layout: Layout, shards: list[int]) -> FailureCounts:
    """Write what was lost, row by row; count it by reason."""
    counts = FailureCounts()
    refused = iter([pl.read_parquet(layout.refusals, glob=False)])
    frames = in_order(refused, shard_frames(layout, shards, "failures"))
    rows = (row for frame in frames for row in counts.counted(frame).iter_rows(named=True))
    write_csv(rows, list(tables.FAILURES), layout.out / "failures.csv")
    return counts


def _metadata(layout: Layout, run: dict[str, Any]) -> dict[str, Any]:
    """Return what makes the audit repeatable: engine, patterns, arguments, checksums."""
    plan = load_plan(layout)
    if plan is None:
        raise FileNotFoundError(layout.plan)
    identity = dict(plan.identity)
    return {
        "notice": NOTICE,
        "engine": identity.pop("engine"),
        "arguments": identity,
        "inputs": [
            {"name": item.name, "bytes": item.bytes, "checksum": item.checksum}
            for item in plan.inputs
        ],
        "outputs": {name: checksum(layout.out / name) for name in OUTPUTS},
        "run": run,
    }
