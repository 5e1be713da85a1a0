"""The running service: how long one report takes through it, how many it reads, what that costs.

``python -m benchmarks.service`` starts ``marrow serve`` on its embedded parts (SQLite, Redis, one worker process
a core), posts single reports and then many, and looks at what each process has used.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.generated import generated_texts, read_pools
from examples.demo import Service, serving
from extractor import Extractor, Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SINGLE = 200
MANY = 10_000
BATCH = 500
WAIT_S = 600
_TICKS = 100
"""Of processor time a second, in /proc/PID/stat; Linux shows it so everywhere."""


@dataclass(frozen=True, slots=True)
class Process:
    """What one process of the service has used."""

    name: str
    cpu_s: float
    peak_mb: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--reports", type=int, default=MANY)
    arguments = parser.parse_args()
    for name, value in measure(arguments.reports).items():
        print(f"{name:64} {value}")


def measure(reports: int = MANY) -> dict[str, Any]:
    """Start the service, use it, and return the figures by what they mean."""
    extractor = Extractor.load()
    texts = generated_texts(read_pools(extractor), SINGLE + reports)
    extraction_ms = _extraction_ms(extractor, texts[:SINGLE])
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as service:
        headers = {"Authorization": f"Bearer {service.key}"}
        with httpx.Client(base_url=service.url, headers=headers, timeout=120) as client:
            _post_one(client, "first", texts[0])
            start_s = time.perf_counter() - began
            single_ms = [
                _post_one(client, f"one-{number}", text)
                for number, text in enumerate(texts[:SINGLE])
            ]
            before = {one.name: one.cpu_s for one in processes(service)}
            posted_s, done_s = _post_many(client, texts[SINGLE:])
            used = processes(service)
    spent = {one.name: round(one.cpu_s - before.get(one.name, 0), 1) for one in used}
    return {
        "start of the whole service to its first result, s": round(start_s, 1),
        "one report, from request to result, median ms": round(median(single_ms), 1),
        "one report, 95th percentile ms": round(sorted(single_ms)[int(len(single_ms) * 0.95)], 1),
        "its extraction alone, median ms": round(extraction_ms, 1),
        f"{reports:,} reports in batches of {BATCH}: accepted in s": round(posted_s, 1),
        f"{reports:,} reports: all read in s": round(done_s, 1),
        "reports/s": round(reports / done_s, 1),
        "processor seconds meanwhile": ", ".join(f"{k} {v}" for k, v in spent.items()),
        "largest worker process, MB": max(one.peak_mb for one in used if "worker" in one.name),
    }


def _extraction_ms(extractor: Extractor, texts: Sequence[str]) -> float:
    took = []
    for text in texts:
        before = time.perf_counter()
        extractor.extract(Report(text))
        took.append((time.perf_counter() - before) * 1_000)
    return median(took)


def _post_one(client: httpx.Client, name: str, text: str) -> float:
    """Post a report and wait for its result; return the milliseconds."""
    before = time.perf_counter()
    answer = client.post(
        "/v1/reports", json={"report_id": name, "text": text}, headers={"Prefer": "wait=30"}
    )
    answer.raise_for_status()
    if answer.json()["state"] != "done":
        raise RuntimeError(f"the report {name} was not read in time")
    return (time.perf_counter() - before) * 1_000


def _post_many(client: httpx.Client, texts: Sequence[str]) -> tuple[float, float]:
    """Post reports in batches; return the seconds until all were accepted, and until all were read."""
    before = time.perf_counter()
    for start in range(0, len(texts), BATCH):
        batch = [
            {"report_id": f"many-{start + number}", "text": text}
            for number, text in enumerate(texts[start : start + BATCH])
        ]
        client.post("/v1/reports", json={"reports": batch}).raise_for_status()
    posted_s = time.perf_counter() - before
    while time.perf_counter() - before < WAIT_S:
        waiting = client.get("/v1/reports", params={"state": "queued", "page_size": 1})
        if not waiting.raise_for_status().json()["reports"]:
            return posted_s, time.perf_counter() - before
        time.sleep(0.1)
    raise RuntimeError(f"not all of {len(texts)} reports were read within {WAIT_S} s")


def processes(service: Service) -> list[Process]:
    """Return what the processes of a service have used so far, those of one name together."""
    found: dict[str, Process] = {}
    for pid in descendants(service.pid):
        name = part_of(pid)
        cpu_s, peak_mb = _used(pid)
        known = found.get(name, Process(name, 0, 0))
        found[name] = Process(name, known.cpu_s + cpu_s, max(known.peak_mb, peak_mb))
    return list(found.values())


def descendants(pid: int) -> Iterator[int]:
    """Return a process and all that it has started; some may end meanwhile."""
    yield pid
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from descendants(int(child))


def part_of(pid: int) -> str:
    """Return which part of the service a process is."""
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return next(
        (part for part in ("api", "worker", "dispatcher") if part in words),
        "redis" if any("redis" in word or "valkey" in word for word in words) else "serve",
    )


def _used(pid: int) -> tuple[float, int]:
    """Return a process's processor seconds and the most memory that it ever held, in MB."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return (int(fields[11]) + int(fields[12])) / _TICKS, int(peak.split()[1]) // 1024


if __name__ == "__main__":
    main()
