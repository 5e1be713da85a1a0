"""Audit a large archive, killed at random moments and resumed, and compare the tables.

``python scripts/audit_kill.py --reports 200000 --kills 5 --seed 1`` audits a generated archive twice:
undisturbed, and killed so many times. Each kill hits the command itself or one of its processes, at a
moment that the seed chooses; a command that was killed is started again with ``--resume``. It ends
with 1 unless every table is equal, byte for byte, and no process grew beyond ``--memory-mb``.
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
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLES = (
    "assessments.parquet", "mentions.parquet", "patients.parquet", "cases.csv", "failures.csv",
    "summary.json",
)  # fmt: skip
WORKERS = 2


@dataclass(slots=True)
class Run:
    """What one start of the command came to."""

    seconds: float
    peak_mb: int
    code: int
    killed: str = ""


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
    sys.path.insert(0, str(ROOT))
    from benchmarks.generated import write_archive  # noqa: PLC0415 (after the path)

    archive = folder / "archive.parquet"
    write_archive(archive, arguments.reports, seed=arguments.seed)
    quiet = run_audit(archive, folder / "quiet", arguments.focus)
    if quiet.code:
        print(f"the undisturbed audit ended with {quiet.code}")
        return 1
    print(f"undisturbed: {quiet.seconds:.1f} s, largest process {quiet.peak_mb} MB", flush=True)
    chance = random.Random(arguments.seed)  # noqa: S311 (moments, no secrets)
    disturbed = folder / "disturbed"
    runs = _killed_and_resumed(archive, disturbed, arguments, quiet=quiet, chance=chance)
    different = [
        name
        for name in TABLES
        if (folder / "quiet" / name).read_bytes() != (disturbed / name).read_bytes()
    ]
    peak_mb = max(run.peak_mb for run in [quiet, *runs])
    seconds = sum(run.seconds for run in runs)
    kills = sum(bool(run.killed) for run in runs)
    print(f"killed {kills} times: {seconds:.1f} s in {len(runs)} starts, largest {peak_mb} MB")
    print(f"tables that differ: {', '.join(different) or 'none'}")
    if peak_mb > arguments.memory_mb:
        print(f"a process grew to {peak_mb} MB, more than {arguments.memory_mb}")
    return 1 if different or peak_mb > arguments.memory_mb else 0


def _killed_and_resumed(
    archive: Path, out: Path, arguments: argparse.Namespace, *, quiet: Run, chance: random.Random
) -> list[Run]:
    """Start the audit until it ends by itself; kill as often as asked for."""
    runs: list[Run] = []
    moments = sorted(chance.uniform(0.05, 0.95) for _ in range(arguments.kills))
    steps = [after - before for before, after in zip([0.0, *moments[:-1]], moments, strict=True)]
    waits = [step * quiet.seconds + 2.5 for step in steps]  # it takes so long to be at work again
    victims = [chance.choice(["command", "process"]) for _ in waits]
    while True:
        left = len(runs) < len(waits)
        kill = (waits[len(runs)], victims[len(runs)]) if left else None
        run = run_audit(archive, out, arguments.focus, kill=kill, chance=chance)
        runs.append(run)
        print(f"start {len(runs)}: {run.seconds:.1f} s, {run.killed or 'to its end'}", flush=True)
        # Without the process that plans or finishes, the command ends with 2 and says how to go on.
        if run.code not in ({0, 2, -signal.SIGKILL} if run.killed else {0}):
            raise SystemExit(f"start {len(runs)} ended with {run.code}")
        if run.code == 0 and not left:
            return runs


def run_audit(
    archive: Path,
    out: Path,
    focus: str,
    *,
    kill: tuple[float, str] | None = None,
    chance: random.Random | None = None,
) -> Run:
    """Run the command, kill something in it on the way, and watch its memory."""
    command = [sys.executable, "-m", "cli", "audit", str(archive), "-o", str(out), "--resume"]
    command += ["--focus", focus, "--workers", str(WORKERS)]
    began = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=said)
        run = Run(0.0, 0, 0)
        while process.poll() is None:
            family = _family(process.pid)
            run.peak_mb = max(run.peak_mb, *(_resident_mb(pid) for pid in family), 0)
            if kill is not None and time.monotonic() - began > kill[0]:
                run.killed = _kill(family, kill[1], chance or random.Random(0))  # noqa: S311
                kill = None
            time.sleep(0.05)
        said.seek(0)
        if process.returncode not in {0, -signal.SIGKILL}:
            print(said.read().decode(errors="replace")[-1_000:])
    run.seconds, run.code = time.monotonic() - began, process.returncode
    return run


def _kill(family: list[int], victim: str, chance: random.Random) -> str:
    children = family[1:]
    pid = chance.choice(children) if victim == "process" and children else family[0]
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return f"kill -9 of {'the command' if pid == family[0] else 'one of its processes'}"


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
