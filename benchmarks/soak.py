"""A long run: ``make soak`` sends 200,000 reports through the service and watches what it holds.

Against a real ``marrow serve`` on this machine. After each twentieth of the reports, once all are
read, it notes the resident memory and the open files of every process, and the database's size.
Fails where they are not flat: where the last third of the run needs more than the third before.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.generated import generated_texts, read_pools
from benchmarks.service import descendants, part_of
from examples.demo import Service, serving
from extractor import Extractor

if TYPE_CHECKING:
    from collections.abc import Sequence

REPORTS = 200_000
SAMPLES = 20
BATCH = 500
_WAIT_S = 1_800
MORE_MEMORY, MORE_MB = 1.10, 8
"""What the last third may need more than the one before: for the allocator's sake, not for a leak,
which goes on. A worker's process is started again at 400 MB or after 2,000 units."""
MORE_FILES = 3
MORE_BYTES, MORE_DATABASE_MB = 1.15, 8
"""By what the database may grow more for as many reports: indexes get deeper, and a write-ahead
log of some 4 MB comes and goes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the service held at one moment."""

    reports: int
    seconds: float
    memory_mb: dict[str, int]
    """The largest process of each name."""
    files: dict[str, int]
    """The most open files of a process of each name."""
    database_mb: float


def main() -> int:
    """Run, print, and return 1 where something grows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--reports", type=int, default=REPORTS)
    arguments = parser.parse_args()
    pools = read_pools(Extractor.load())
    samples: list[Sample] = []
    step = max(BATCH, arguments.reports // SAMPLES)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as service:
        headers = {"Authorization": f"Bearer {service.key}"}
        with httpx.Client(base_url=service.url, headers=headers, timeout=120) as http:
            for first in range(0, arguments.reports, step):
                number = min(step, arguments.reports - first)
                _post(http, generated_texts(pools, number, seed=first + 1), first)
                _wait(http)
                samples.append(_look(service, Path(folder), first + number, began))
                _print(samples[-1], with_head=first == 0)
    faults = find_growth(samples)
    print("\n".join(faults) or f"flat over {arguments.reports:,} reports")
    return 1 if faults else 0


def find_growth(samples: Sequence[Sample]) -> list[str]:
    """Return what grows from the middle third of the run to the last one."""
    third = len(samples) // 3
    middle, last = samples[third : 2 * third], samples[2 * third :]
    if not middle:
        return [f"{len(samples)} samples are too few"]
    faults = []
    for name in set.intersection(*(set(one.memory_mb) for one in samples)):
        before = max(one.memory_mb.get(name, 0) for one in middle)
        after = max(one.memory_mb.get(name, 0) for one in last)
        if after > before * MORE_MEMORY + MORE_MB:
            faults.append(f"memory of {name}: from {before} to {after} MB")
        before = max(one.files.get(name, 0) for one in middle)
        after = max(one.files.get(name, 0) for one in last)
        if after > before + MORE_FILES:
            faults.append(f"open files of {name}: from {before} to {after}")
    before_mb = middle[-1].database_mb - middle[0].database_mb
    after_mb = last[len(middle) - 1].database_mb - last[0].database_mb
    if after_mb > before_mb * MORE_BYTES + MORE_DATABASE_MB:
        faults.append(f"database: grew by {before_mb:.1f} MB, then by {after_mb:.1f} MB")
    return faults


def _post(http: httpx.Client, texts: Sequence[str], first: int) -> None:
    for start in range(0, len(texts), BATCH):
        batch: list[dict[str, Any]] = [
            # A word that no other report has: vocabularies must not grow by it for ever.
            {"report_id": f"s-{number}", "text": f"{text}\nSeen by dr w{number:x}q."}
            for number, text in enumerate(texts[start : start + BATCH], first + start)
        ]
        http.post("/v1/reports", json={"reports": batch}).raise_for_status()


def _wait(http: httpx.Client) -> None:
    """Wait until everything is read."""
    end = time.monotonic() + _WAIT_S
    while time.monotonic() < end:
        waiting = http.get("/v1/reports", params={"state": "queued", "page_size": 1})
        if not waiting.raise_for_status().json()["reports"]:
            return
        time.sleep(0.2)
    raise RuntimeError(f"not all reports were read within {_WAIT_S} s")


def _look(service: Service, folder: Path, reports: int, began: float) -> Sample:
    memory: defaultdict[str, int] = defaultdict(int)
    files: defaultdict[str, int] = defaultdict(int)
    for pid in descendants(service.pid):
        # The watchdog's question is a process of a second; it may end meanwhile.
        with suppress(FileNotFoundError, ProcessLookupError, StopIteration):
            name = part_of(pid)
            resident_mb, opened = _resident_mb(pid), len(list(Path(f"/proc/{pid}/fd").iterdir()))
            memory[name] = max(memory[name], resident_mb)
            files[name] = max(files[name], opened)
    size = sum(path.stat().st_size for path in (folder / "data").glob("marrow.sqlite3*"))
    return Sample(
        reports=reports,
        seconds=time.monotonic() - began,
        memory_mb=dict(memory),
        files=dict(files),
        database_mb=size / 1_000_000,
    )


def _resident_mb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


def _print(sample: Sample, *, with_head: bool) -> None:
    names = sorted(sample.memory_mb)
    if with_head:
        heads = [f"{name} MB/files" for name in names]
        print(f"{'reports':>9} {'s':>6} {'database MB':>12} " + " ".join(f"{h:>19}" for h in heads))
    cells = [f"{sample.memory_mb[name]} / {sample.files[name]}" for name in names]
    shown = " ".join(f"{cell:>19}" for cell in cells)
    row = f"{sample.reports:>9,} {sample.seconds:>6.0f} {sample.database_mb:>12.1f} {shown}"
    print(row, flush=True)


if __name__ == "__main__":
    sys.exit(main())
