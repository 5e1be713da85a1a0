"""Audit a large archive, killed at random moments and resumed, and compare the tables.

``python -m scripts.audit_kill --reports 200000 --kills 5 --seed 1`` audits a generated archive twice:
undisturbed, and killed so many times. Each kill hits the command itself or one of its processes, shortly
after a part of the shards that the seed chooses is committed; a command that was killed is started again with
``--resume``. It ends with 1 unless it was killed as often as asked for, every table is equal, byte for byte,
and no process grew beyond ``--memory-mb``.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from audits.layout import Layout
from benchmarks.generated import write_archive

ROOT = Path(__file__).resolve().parent.parent
TABLES = (
    "assessments.parquet", "mentions.parquet", "patients.parquet", "cases.csv", "failures.csv",
    "summary.json",
)  # fmt: skip
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Kill:
    """A moment and a victim."""

    part: float
    """Of the shards, committed by then."""
    delay_s: float
    """From then on: a kill is to hit what is half done, too."""
    victim: str


@dataclass(slots=True)
class Run:
    """What one start of the command came to."""

    seconds: float
    peak_mb: int
    code: int
    killed: list[str] = field(default_factory=list)


def main() -> int:
    """Audit twice, compare, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--reports", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--focus", choices=["hip", "all"], default="all")
    parser.add_argument("--memory-mb", type=int, default=1_024, help="for a single process")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="marrow-kill-"))
    try:
        return _compare(folder, arguments)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _compare(folder: Path, arguments: argparse.Namespace) -> int:
    archive = folder / "archive.parquet"
    write_archive(archive, arguments.reports, seed=arguments.seed)
    quiet = run_audit(archive, folder / "quiet", arguments.focus)
    if quiet.code:
        print(f"the undisturbed audit ended with {quiet.code}")
        return 1
    print(f"undisturbed: {quiet.seconds:.1f} s, largest process {quiet.peak_mb} MB", flush=True)
    chance = random.Random(arguments.seed)  # noqa: S311 (moments, no secrets)
    disturbed = folder / "disturbed"
    runs = _killed_and_resumed(archive, disturbed, arguments, chance)
    different = [
        name
        for name in TABLES
        if (folder / "quiet" / name).read_bytes() != (disturbed / name).read_bytes()
    ]
    peak_mb = max(run.peak_mb for run in [quiet, *runs])
    seconds = sum(run.seconds for run in runs)
    kills = sum(len(run.killed) for run in runs)
    print(f"killed {kills} times: {seconds:.1f} s in {len(runs)} starts, largest {peak_mb} MB")
    print(f"tables that differ: {', '.join(different) or 'none'}")
    if peak_mb > arguments.memory_mb:
        print(f"a process grew to {peak_mb} MB, more than {arguments.memory_mb}")
    return 1 if different or kills < arguments.kills or peak_mb > arguments.memory_mb else 0


def _killed_and_resumed(
    archive: Path, out: Path, arguments: argparse.Namespace, chance: random.Random
) -> list[Run]:
    """Start the audit until it ends by itself; kill as often as asked for."""
    runs: list[Run] = []
    kills = deque(
        Kill(part, chance.uniform(0, 1), chance.choice(["command", "process"]))
        for part in sorted(chance.uniform(0, 0.95) for _ in range(arguments.kills))
    )
    while True:
        run = run_audit(archive, out, arguments.focus, kills=kills, chance=chance)
        runs.append(run)
        how = f"kill -9 of {', '.join(run.killed)}" if run.killed else "to its end"
        print(f"start {len(runs)}: {run.seconds:.1f} s, {how}", flush=True)
        # Without the process that plans or finishes, the command ends with 2 and says how to go on.
        if run.code not in ({0, 2, -signal.SIGKILL} if run.killed else {0}):
            raise SystemExit(f"start {len(runs)} ended with {run.code}")
        if run.code == 0:
            return runs


def run_audit(
    archive: Path,
    out: Path,
    focus: str,
    *,
    kills: deque[Kill] | None = None,
    chance: random.Random | None = None,
) -> Run:
    """Run the command, kill something in it on the way, and watch its memory.

    The kills that were made are taken from ``kills``.
    """
    command = [sys.executable, "-m", "cli", "audit", str(archive), "-o", str(out), "--resume"]
    command += ["--focus", focus, "--workers", str(WORKERS)]
    began = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=said)
        run = Run(0.0, 0, 0)
        due_at: float | None = None
        while process.poll() is None:
            family = _family(process.pid)
            run.peak_mb = max(run.peak_mb, *(_resident_mb(pid) for pid in family), 0)
            if kills and due_at is None and _part_done(out) >= kills[0].part:
                due_at = time.monotonic() + kills[0].delay_s
            if kills and due_at is not None and time.monotonic() > due_at:
                victim = kills.popleft().victim
                run.killed.append(_kill(family, victim, chance or random.Random(0)))  # noqa: S311
                due_at = None
            time.sleep(0.05)
        said.seek(0)
        if process.returncode not in {0, -signal.SIGKILL}:
            print(said.read().decode(errors="replace")[-1_000:])
    run.seconds, run.code = time.monotonic() - began, process.returncode
    return run


def _part_done(out: Path) -> float:
    """Return the part of the shards that are committed; less than none before there is a plan."""
    layout = Layout(out)
    if not layout.plan.exists():
        return -1.0
    shards = sum(1 for _ in layout.shard(0).parent.glob("*.parquet"))
    return sum(1 for _ in layout.result(0).parent.glob("[0-9]*")) / max(shards, 1)


def _kill(family: list[int], victim: str, chance: random.Random) -> str:
    children = family[1:]
    pid = chance.choice(children) if victim == "process" and children else family[0]
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return "the command" if pid == family[0] else "one of its processes"


def _family(pid: int) -> list[int]:
    """Return a process and its children."""
    with suppress(OSError):
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        return [pid, *map(int, found.split())]
    return [pid]


def _resident_mb(pid: int) -> int:
    with suppress(OSError, ValueError, IndexError):
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") // 2**20
    return 0


if __name__ == "__main__":
    sys.exit(main())
