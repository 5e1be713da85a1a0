"""The archive path: reports a second of ``marrow audit`` from Parquet, beside reading the file alone.

``python -m benchmarks.archive --reports 10000 100000 --focus hip all`` prints a table and JSON.
Every figure is of the whole command, from its start to the last file written, in processes of its
own; ``marginal`` leaves out what a small archive takes too (loading the patterns, the page).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.generated import ROOT, write_archive

WORKERS = 2
_READ = """
import sys, polars as pl
archive = pl.scan_parquet(sys.argv[1])
rows = archive.select(pl.len()).collect().item()
print(sum(archive.slice(at, 20_000).collect().height for at in range(0, rows, 20_000)))
"""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One audit of one archive."""

    focus: str
    reports: int
    seconds: float
    reports_per_second: float
    read_alone_s: float
    """Start of Python and polars included."""
    times_read_alone: float
    largest_process_mb: int
    """Of all processes of the audit; what a fork shares is counted in each."""
    passed_over: int


def measure(reports: int, focus: str, *, seed: int = 1, folder: Path | None = None) -> Measurement:
    """Generate an archive and audit it with two processes; the archive is kept in ``folder``."""
    with tempfile.TemporaryDirectory() as temporary:
        archive = (folder or Path(temporary)) / f"{reports}-{seed}.parquet"
        if not archive.exists():
            write_archive(archive, reports, seed=seed)
        read_s, _, _ = _run([sys.executable, "-c", _READ, str(archive)])
        out = Path(temporary) / "out"
        seconds, memory_mb, said = _run(
            [
                *(sys.executable, "-m", "cli", "audit", str(archive), "-o", str(out)),
                *("--focus", focus, "--workers", str(WORKERS)),
            ]
        )
        return Measurement(
            focus=focus,
            reports=reports,
            seconds=round(seconds, 2),
            reports_per_second=round(reports / seconds, 1),
            read_alone_s=round(read_s, 2),
            times_read_alone=round(seconds / read_s, 1),
            largest_process_mb=memory_mb,
            passed_over=_passed_over(said),
        )


def marginal_rate(small: Measurement, large: Measurement) -> float:
    """Return reports a second between two sizes: what a large archive comes to."""
    more = large.reports - small.reports
    return round(more / (large.seconds - small.seconds), 1)


def _run(command: list[str]) -> tuple[float, int, str]:
    """Run a command; return its seconds, the memory of its largest process and what it told."""
    with tempfile.TemporaryFile("w+") as told:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=told, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        told.seek(0)
        said = told.read()
    if process.returncode:
        raise RuntimeError(f"{command[2]} ended with {process.returncode}: {said[-500:]}")
    return seconds, usage.ru_maxrss // 1024, said


def _passed_over(said: str) -> int:
    """Return how many reports the command says it has passed over."""
    words = said.replace(",", "").split()
    return int(words[words.index("more") - 1]) if "more" in words else 0


def main() -> None:
    """Measure every size with every focus."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--reports", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--focus", nargs="+", default=["hip"], choices=["hip", "all"])
    parser.add_argument("--folder", type=Path, help="keep the archives here")
    arguments = parser.parse_args()
    print(f"{'focus':6}{'reports':>10}{'s':>8}{'reports/s':>11}{'x reading':>11}{'MB':>6}")
    for focus in arguments.focus:
        done: list[Measurement] = []
        for reports in sorted(arguments.reports):
            one = measure(reports, focus, folder=arguments.folder)
            print(
                f"{focus:6}{reports:>10}{one.seconds:>8}{one.reports_per_second:>11}"
                f"{one.times_read_alone:>11}{one.largest_process_mb:>6}"
            )
            print(json.dumps(asdict(one)), file=sys.stderr)
            done.append(one)
        if len(done) > 1:
            print(f"{focus:6}marginal: {marginal_rate(done[0], done[-1])} reports/s")


if __name__ == "__main__":
    main()
