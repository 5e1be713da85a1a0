"""The memory of one worker process over many reports: ``python -m benchmarks.memory --reports 200000``.

Every text is made anew from hand-written sentences, with a word in it that no other has, so that nothing
can be known before. Prints the resident memory at ten points on the way.
"""

from __future__ import annotations

import argparse
import gc
from pathlib import Path

from benchmarks.generated import generated_texts, read_pools
from extractor import Extractor, Report

_CHUNK = 1_000


def main() -> None:
    """Read, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--reports", type=int, default=200_000)
    arguments = parser.parse_args()
    extractor = Extractor.load()
    pools = read_pools(extractor)
    gc.collect()
    gc.freeze()
    print(f"{0:>10,} reports {resident_mb():>6} MB", flush=True)
    step = max(1, arguments.reports // 10)
    done = 0
    while done < arguments.reports:
        for text in generated_texts(pools, _CHUNK, seed=done + 1):
            extractor.extract(Report(f"{text}\nSeen by dr w{done:x}q."))
            done += 1
            if done % step == 0:
                print(f"{done:>10,} reports {resident_mb():>6} MB", flush=True)


def resident_mb() -> int:
    """Return the resident memory of this process, in MB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    main()
