"""Fuzzing led by coverage: archives and reports are changed towards code that nothing has reached yet.

``python -m scripts.guided_fuzzing`` tries each target for a while, each in a process of its own. What was found to
reach new code is kept in ``.fuzz/`` and begins the next run; what raised, or took too long, is written there too,
and the run ends with 1. The tests in ``tests/fuzz/`` make changes blindly, and need no compiled fuzzer.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT = Path(".fuzz")
REPORTS = "report"
SLOW_S = 10
"""One input may take this long with every branch counted; the usual takes some milliseconds."""
MOST_BYTES = 20_000


def main() -> int:
    """Try the targets; 1 where one was broken."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "target", nargs="*", help="formats (csv, hl7, ...), or `report`; all without one"
    )
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default 60)")
    parser.add_argument("--jobs", type=int, default=2, help="targets at the same time (default 2)")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        fuzz(arguments.target[0], arguments.seconds)
    from tests.fuzz.seeds import SEEDS  # noqa: PLC0415 - a target imports it with its branches counted

    targets = arguments.target or [*sorted(SEEDS), REPORTS]
    unknown = sorted(set(targets) - {*SEEDS, REPORTS})
    if unknown:
        parser.error(
            f"no target {', '.join(unknown)}: choose from {', '.join([*sorted(SEEDS), REPORTS])}"
        )
    with ThreadPoolExecutor(arguments.jobs) as pool:
        held = list(pool.map(lambda target: _held(target, arguments.seconds), targets))
    return 0 if all(held) else 1


def _held(target: str, seconds: int) -> bool:
    """Run one target in a process of its own; tell how it went."""
    command = [
        sys.executable,
        "-m",
        "scripts.guided_fuzzing",
        target,
        "--one",
        "--seconds",
        str(seconds),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith(("#", "Done"))]
    print(
        f"{target:8} {'held' if done.returncode == 0 else 'BROKEN'}  {lines[-1] if lines else ''}",
        flush=True,
    )
    if done.returncode != 0:
        print(done.stdout[-2_000:] + done.stderr[-4_000:], flush=True)
        print(
            f"the input is in {KEPT / target}; `make fuzz-guided ARGS={target}` begins with it",
            flush=True,
        )
    return done.returncode == 0


def fuzz(target: str, seconds: int) -> None:
    """Try one target; the process ends with it."""
    import atheris  # noqa: PLC0415 - the other processes need none of it

    with atheris.instrument_imports(include=["archives", "extractor", "standards"]):
        from tests.fuzz.seeds import SEEDS  # noqa: PLC0415 - what is imported here has its branches counted

        attempt = _read_report() if target == REPORTS else _read_archive(target)
    kept = KEPT / target
    kept.mkdir(parents=True, exist_ok=True)
    begin = kept / "seed"
    begin.write_bytes(_REPORT if target == REPORTS else SEEDS[target])
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={SLOW_S}",
        f"-max_len={MOST_BYTES}",
        f"-artifact_prefix={kept}/",
        "-rss_limit_mb=4096",
    ]
    atheris.Setup([sys.argv[0], *options, str(kept)], attempt)
    atheris.Fuzz()


_REPORT = (
    b"MRI left hip\nIndication: 45-year-old man, ?AVN\nFindings: Bone marrow oedema of the left femoral head and neck. "
    b"No effusion.\nImpression: Transient osteoporosis is likely; cannot exclude a fracture.\n"
)


def _read_archive(ending: str) -> Callable[[bytes], None]:
    from tests.fuzz.seeds import read_all  # noqa: PLC0415 - see `fuzz`

    path = KEPT / f"archive.{ending}"

    def attempt(data: bytes) -> None:
        read_all(path, data)

    return attempt


def _read_report() -> Callable[[bytes], None]:
    from extractor import Extractor, Report  # noqa: PLC0415 - see `fuzz`

    extractor = Extractor.load()

    def attempt(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        for mention in extractor.extract(Report(text)).mentions:
            if text[mention.start : mention.end] != mention.quote:
                msg = f"the quote at {mention.start} does not stand there"
                raise AssertionError(msg)

    return attempt


if __name__ == "__main__":
    raise SystemExit(main())
