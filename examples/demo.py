"""The whole of Marrow in a minute: ``make demo``.

Starts the real service on its embedded parts in a temporary directory, posts reports of the
sample archive over HTTP, audits the archive from the command line, and shows the probable cases
with their evidence. Everything is stopped and removed at the end, but for the audit's files.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
ARCHIVE = ROOT / "examples" / "archive.csv"
OUTPUT = ROOT / "demo-output"
MARROW = (sys.executable, "-m", "cli")
START_WITHIN_S = 120
READ_WITHIN_S = 120
STOP_WITHIN_S = 40
SHOWN_CASES = 6
CASE_LEVELS = ("stated", "probable")

console = Console(highlight=False)


class DemoError(Exception):
    """The demonstration cannot go on; the message says why."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running ``marrow serve``."""

    url: str
    key: str
    pid: int


def main() -> int:
    """Run the demonstration; 0 when all of it worked."""
    parser = argparse.ArgumentParser(description="Show Marrow at work on the sample archive.")
    parser.add_argument("--archive", type=Path, default=ARCHIVE, help="a CSV like the sample's")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    archive, output = options.archive.resolve(), options.output.resolve()
    if output == OUTPUT and output.exists():
        shutil.rmtree(output)  # of the last demonstration
    try:
        with tempfile.TemporaryDirectory(prefix="marrow-demo-") as folder:
            console.print("\n[bold]1. Starting the service[/] (API, Celery workers, SQLite, Redis)")
            with serving(Path(folder)) as service:
                console.print(f"   ready on {service.url}")
                post_archive(service, archive)
        audit_archive(archive, output)
        show_cases(output)
    except DemoError as error:
        console.print(f"[red]demo: {escape(str(error))}[/]")
        return 1
    return 0


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    """Start ``marrow serve`` on a free port, and stop it at the end."""
    log = folder / "serve.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            (*MARROW, "serve", "--port", "0", "--data-dir", str(folder / "data")),
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _wait_for_start(process, log)
    finally:
        console.print("\n   stopping the service")
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise DemoError("the service did not stop") from None
    if code != 0:
        raise DemoError(f"the service ended with exit code {code}:\n{log.read_text()}")


def _wait_for_start(process: subprocess.Popen[bytes], log: Path) -> Service:
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        printed = log.read_text()
        ready = re.search(r"Ready on (\S+)", printed)
        key = re.search(r"\bmarrow_[0-9A-Za-z]{8}_[0-9A-Za-z]+", printed)
        if ready and key:
            return Service(url=ready[1], key=key[0], pid=process.pid)
        time.sleep(0.1)
    raise DemoError(f"the service did not start:\n{log.read_text()}")


def post_archive(service: Service, archive: Path) -> None:
    """Post all reports of the archive but one, watch them being read, then post that one."""
    reports = [as_posted(row) for row in read_archive(archive)]
    one = next((report for report in reports if _shows_a_hip_by_mr(report)), reports[-1])
    many = [report for report in reports if report is not one]
    headers = {"Authorization": f"Bearer {service.key}"}
    with httpx.Client(base_url=service.url, headers=headers, timeout=60) as client:
        console.print(f"\n[bold]2. Posting {len(reports)} reports over HTTP[/]")
        started = time.monotonic()
        answer = _good(client.post("/v1/reports", json={"reports": many}))
        ids = [report["id"] for report in answer["reports"]]
        states = _watch(client, ids)
        seconds = time.monotonic() - started
        console.print(f"   {states} in {seconds:.1f} s, each in exactly one final state")
        started = time.monotonic()
        done = _good(client.post("/v1/reports", json=one, headers={"Prefer": "wait=10"}))
        milliseconds = (time.monotonic() - started) * 1000
    if done["state"] != "done":
        raise DemoError(f"the last report is {done['state']}")
    mentions, assessment = done["result"]["mentions"], done["result"]["assessment"]
    if any(one["text"][m["start"] : m["end"]] != m["quote"] for m in mentions):
        raise DemoError("a mention does not quote the text")
    console.print(
        f"   and a hip MRI with `Prefer: wait=10`: {len(mentions)} mentions, level "
        f"{assessment['level']}, {milliseconds:.0f} ms from request to result"
    )


def _shows_a_hip_by_mr(report: dict[str, Any]) -> bool:
    study = report["study"]
    return study["modality"] == "MR" and "HIP" in (study["description"] or "").upper()


def read_archive(archive: Path) -> list[dict[str, str]]:
    """Return the rows of the archive."""
    with archive.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def as_posted(row: dict[str, str]) -> dict[str, Any]:
    """Return one row in the form that the API takes."""
    age = row.get("age_years")
    patient = {"id": row["patient_id"], "age_years": int(age) if age else None}
    study = {
        "modality": row["modality"] or None,
        "description": row["description"] or None,
        "date": row["study_date"] or None,
        "accession": row["accession"] or None,
    }
    patient["sex"] = row["sex"] or None
    return {"report_id": row["report_id"], "text": row["text"], "patient": patient, "study": study}


def _watch(client: httpx.Client, ids: list[str]) -> str:
    """Show how reports are read until none waits; return the number of each final state."""
    open_ids, states = list(ids), {"done": 0, "failed": 0}
    deadline = time.monotonic() + READ_WITHIN_S
    with _progress() as progress:
        bar = progress.add_task("   reading", total=len(ids))
        while open_ids:
            if time.monotonic() > deadline:
                raise DemoError(f"{len(open_ids)} reports were not read in time")
            state = _good(client.get(f"/v1/reports/{open_ids[0]}"))["state"]
            if state == "queued":
                time.sleep(0.05)
                continue
            states[state] = states.get(state, 0) + 1
            open_ids.pop(0)
            progress.advance(bar)
    return ", ".join(f"{count} {state}" for state, count in states.items())


def audit_archive(archive: Path, output: Path) -> None:
    """Audit the archive with the command line, which shows its own progress."""
    console.print(f"\n[bold]3. Auditing[/] marrow audit {archive.name} -o {output.name}")
    command = (*MARROW, "audit", str(archive), "-o", str(output))
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise DemoError("the audit failed (see above)")


def show_cases(output: Path) -> None:
    """Print the first probable cases with the words that make them so."""
    with (output / "cases.csv").open(encoding="utf-8-sig", newline="") as file:
        cases = [row for row in csv.DictReader(file) if row["level"] in CASE_LEVELS]
    if not cases:
        raise DemoError("the audit found no case in the sample archive")
    console.print(f"\n[bold]4. {len(cases)} probable cases[/] of transient osteoporosis of the hip")
    shown = [
        case
        for level in CASE_LEVELS
        for case in [case for case in cases if case["level"] == level][: SHOWN_CASES // 2]
    ]
    for case in shown:
        who = ", ".join(part for part in (case["sex"], case["age_years"]) if part)
        console.print(
            f"\n   [bold]{escape(case['report_id'])}[/]  [green]{case['level']}[/] by rule "
            f"{case['rule']}, {case['side']} hip, {who}, {case['study_date']} {case['modality']}"
        )
        for name in ("flags", "named", "core", "minor", "hard", "soft"):
            if case[name]:
                console.print(f"     {name:5}  {escape(case[name])}", soft_wrap=True)
    if len(cases) > len(shown):
        console.print(f"\n   and {len(cases) - len(shown)} more in {output / 'cases.csv'}")
    console.print(f"\n   Report: [bold]{(output / 'report.html').as_uri()}[/]")
    console.print("   A tool for search and audit, not a diagnosis.\n")


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), console=console)


def _good(response: httpx.Response) -> dict[str, Any]:
    if not response.is_success:
        raise DemoError(f"the service answered {response.status_code}: {response.text}")
    return dict(response.json())


if __name__ == "__main__":
    sys.exit(main())
