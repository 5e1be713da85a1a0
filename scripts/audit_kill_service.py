"""Audit a large archive by the service, whose workers are killed at random moments, and compare the tables.

``python -m scripts.audit_kill_service --reports 200000 --kills 5 --seed 1`` audits a generated archive once with
``marrow audit``, undisturbed, and once by ``marrow serve``, of which a worker or one of its processes is killed so
many times while the archive is read. It ends with 1 unless every table is equal, byte for byte.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from benchmarks.generated import write_archive
from examples.demo import serving
from scripts.audit_kill import TABLES, run_audit

_ENDED = {"done", "failed", "cancelled"}
_WITHIN_S = 1_800


def main() -> int:
    """Audit twice, compare, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--reports", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--focus", choices=["hip", "all"], default="all")
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
    print(f"marrow audit, undisturbed: {quiet.seconds:.1f} s", flush=True)
    place = folder / "service"
    place.mkdir()
    with serving(place) as service:
        headers = {"Authorization": f"Bearer {service.key}"}
        with httpx.Client(base_url=service.url, headers=headers, timeout=300) as client:
            path = _submit(client, archive, arguments.focus)
            began = time.monotonic()
            kills = _follow(client, path, service.pid, arguments)
            print(
                f"the service, its workers killed {kills} times: {time.monotonic() - began:.1f} s"
            )
            different = [
                name
                for name in TABLES
                if client.get(f"{path}/files/{name}").content
                != (folder / "quiet" / name).read_bytes()
            ]
    print(f"tables that differ: {', '.join(different) or 'none'}")
    return 1 if different or kills < arguments.kills else 0


def _submit(client: httpx.Client, archive: Path, focus: str) -> str:
    named = {"Content-Disposition": f'attachment; filename="{archive.name}"'}
    with archive.open("rb") as file:
        answer = client.post("/v1/audits", content=file, headers=named, params={"focus": focus})
    return str(answer.raise_for_status().headers["location"])


def _follow(client: httpx.Client, path: str, service: int, arguments: argparse.Namespace) -> int:
    """Kill workers while reports are read, at parts of the way that the seed chooses; return how often."""
    chance = random.Random(arguments.seed)  # noqa: S311 (moments, no secrets)
    moments = sorted(chance.uniform(0.05, 0.95) for _ in range(arguments.kills))
    kills, end = 0, time.monotonic() + _WITHIN_S
    while time.monotonic() < end:
        audit: dict[str, Any] = client.get(path).raise_for_status().json()
        if audit["state"] in _ENDED:
            if audit["state"] != "done":
                raise SystemExit(f"the audit ended as {audit['state']}: {audit['error']}")
            return kills
        counts = audit["counts"]
        if kills < len(moments) and counts["to_extract"]:
            part = counts["extracted"] / counts["to_extract"]
            if part >= moments[kills]:
                kills += 1
                print(f"{part:.0%}: kill -9 of {_kill_a_worker(service, chance)}", flush=True)
        time.sleep(0.2)
    raise SystemExit(f"the audit was not done in {_WITHIN_S} s")


def _kill_a_worker(service: int, chance: random.Random) -> str:
    workers = [pid for pid in _below(service) if "processes worker" in _command(pid)]
    pid = chance.choice(workers)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return f"one of {len(workers)} worker processes"


def _below(pid: int) -> list[int]:
    """Return all processes below one."""
    with suppress(OSError):
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        children = list(map(int, found.split()))
        return children + [one for child in children for one in _below(child)]
    return []


def _command(pid: int) -> str:
    with suppress(OSError):
        return (
            Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        )
    return ""


if __name__ == "__main__":
    sys.exit(main())
