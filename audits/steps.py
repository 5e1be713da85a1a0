"""The steps of an audit after its plan, as pure functions over the output directory.

Imports polars, whose threads do not survive a fork: a process that forks must not import this
module before (see ``audits.run``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

from archives import checksum
from archives.write import NOTICE, write_csv, write_json, write_table, write_text
from audits import tables
from audits.cases_file import write_cases
from audits.layout import OUTPUTS
from audits.link import find_cases, link_patients
from audits.model import Focus
from audits.plan_file import load_plan
from audits.render import render
from audits.summarise import summarise

if TYPE_CHECKING:
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
    read = _collect(layout, shards, "assessments", tables.ASSESSMENTS)
    assessments = pl.concat([read, *_passed(layout)]).sort("row")
    mentions = _collect(layout, shards, "mentions", tables.MENTIONS).sort("row", "id")
    failures = pl.concat(
        [pl.read_parquet(layout.refusals), _collect(layout, shards, "failures", tables.FAILURES)]
    ).sort("row")
    if plan.identity["focus"] == Focus.HIP:
        in_scope = assessments.filter(pl.col("in_scope"))["row"]
        mentions = mentions.filter(pl.col("row").is_in(in_scope.implode()))
    patients = link_patients(assessments)
    cases = find_cases(assessments, mentions, titles=plan.titles, naming=plan.naming)
    summary = summarise(
        plan, assessments, mentions, failures=failures, patients=patients, cases=cases
    )
    facts = {"engine": json.dumps(plan.identity["engine"], sort_keys=True)}
    write_table(assessments, layout.out / "assessments.parquet", facts=facts)
    write_table(mentions, layout.out / "mentions.parquet", facts=facts)
    write_table(patients, layout.out / "patients.parquet", facts=facts)
    write_cases(cases, layout.out / "cases.csv")
    write_csv(failures.iter_rows(named=True), list(tables.FAILURES), layout.out / "failures.csv")
    write_json(summary, layout.out / "summary.json")
    page = render(summary, cases, run=run, inputs=plan.inputs)
    write_text(page, layout.out / "report.html")
    write_json(_metadata(layout, run), layout.metadata)
    return summary


def _collect(layout: Layout, shards: list[int], name: str, schema: dict[str, Any]) -> pl.DataFrame:
    """Return one table of all shards, in the order of the shards."""
    parts = [pl.read_parquet(layout.result(number) / f"{name}.parquet") for number in shards]
    return pl.concat([pl.DataFrame(schema=schema), *parts])


def _passed(layout: Layout) -> list[pl.DataFrame]:
    """Return the assessments of the reports that were not read."""
    files = sorted(layout.passed(0).parent.glob("*.parquet"))
    return [pl.read_parquet(path, columns=list(tables.ASSESSMENTS)) for path in files]


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
