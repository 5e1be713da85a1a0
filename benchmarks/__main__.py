"""``make bench``: Marrow beside its peers, in one run on the same texts, as ratios.

Each pipeline runs in a process of its own and is given Marrow's literal finding phrases and cues
as its rules. Marrow remembers the cues of sentences, so the first round, of texts that are new to
it, stands beside the median of all rounds: the one is an archive that never repeats itself, the
other one that always does. Writes ``benchmarks/results.json`` and ``docs/reference/speed.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.archive import WORKERS, measure
from benchmarks.compare import agreement
from benchmarks.page import NAMES, with_figures
from benchmarks.rules import plain_rules
from benchmarks.service import measure as measure_service
from benchmarks.texts import ROOT, dense_reports, labelled_reports
from extractor import Extractor

if TYPE_CHECKING:
    from collections.abc import Collection

RESULTS = ROOT / "benchmarks" / "results.json"
PAGE = ROOT / "docs" / "reference" / "speed.md"
ROUNDS = 5
LIMITS = {"marrow": 10_000, "stock": 40, "stock_sentencizer": 100, "edsnlp": 100, "negspacy": 100}
"""So many texts are enough to see the rate of the slower ones."""
_OF_PEERS = ("edsnlp", "negspacy")


def main() -> None:
    """Measure, print the table, write the results and the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=Path, help="Python that has EDS-NLP and negspaCy")
    parser.add_argument("--archive", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument(
        "--service", type=int, default=10_000, help="reports posted to the service; 0 leaves it out"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    extractor = Extractor.load()
    measured = _measure_all(extractor, arguments.peers, arguments.rounds)
    results: dict[str, Any] = {
        "measured_at": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "versions": {name: one["version"] for name, one in measured.items()},
        "patterns_digest": extractor.engine.patterns_digest,
        "what": "hip MRI reports of about 1 kB, one core; labelled reports of the project for the agreement",
        "dense": _rows(measured, extractor.patterns.targets),
    }
    if arguments.archive:
        stock = results["dense"]["stock"]["median"]
        results["archive"] = [_archive_row(count, stock) for count in arguments.archive]
    if arguments.service:
        results["service"] = measure_service(arguments.service)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(with_figures(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    _show(results)


def _measure_all(extractor: Extractor, peers: Path | None, rounds: int) -> dict[str, Any]:
    texts, labelled = dense_reports(), labelled_reports()
    given = {
        "texts": texts[1:],
        "warm_up": texts[0],
        "labelled": [one.text for one in labelled],
        "rounds": rounds,
        "limit": LIMITS,
        **plain_rules(extractor.patterns),
    }
    measured = {}
    for name in LIMITS:
        python = str(peers) if name in _OF_PEERS else sys.executable
        if name in _OF_PEERS and peers is None:
            print(f"{NAMES[name]} is left out: run it by `make bench`, which installs it")
            continue
        measured[name] = _measure(name, python, given)
    return measured


def _measure(name: str, python: str, given: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "input.json", Path(folder) / "output.json"
        source.write_text(json.dumps(given), encoding="utf-8")
        reading = [python, "-W", "ignore", "-m", "benchmarks.reading"]
        subprocess.run(
            [*reading, name, str(source), str(target)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # PyRuSH logs every token
            check=True,
            cwd=ROOT,
        )
        result: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    return result


def _rows(measured: dict[str, Any], findings: Collection[str]) -> dict[str, Any]:
    """Return the row of each pipeline: its rates, how much slower it is, and what it finds."""
    labels = [one.mentions for one in labelled_reports()]
    rates = {
        name: (one["texts"] / one["rounds_s"][0], one["texts"] / median(one["rounds_s"]))
        for name, one in measured.items()
    }
    return {
        name: {
            "texts": one["texts"],
            "first_round": round(rates[name][0], 1),
            "median": round(rates[name][1], 1),
            "slower_first": round(rates["marrow"][0] / rates[name][0], 1),
            "slower": round(rates["marrow"][1] / rates[name][1], 1),
            "start_s": round(one["start_s"], 2),
            "rounds_s": [round(seconds, 4) for seconds in one["rounds_s"]],
            **asdict(agreement(one["found"], labels, findings)),
        }
        for name, one in measured.items()
    }


def _archive_row(reports: int, stock_rate: float) -> dict[str, Any]:
    """Return the figures of one archive; two stock processes would be twice as fast as one, at best."""
    one = asdict(measure(reports, "hip"))
    one["times_stock"] = round(one["reports_per_second"] / (WORKERS * stock_rate), 1)
    return one


def _show(results: dict[str, Any]) -> None:
    print(f"{'':32}{'new texts':>11}{'median':>9}{'ratio':>8}{'ratio':>8}{'F1':>8}")
    for name, one in results["dense"].items():
        print(
            f"{NAMES[name]:32}{one['first_round']:>11}{one['median']:>9}"
            f"{one['slower_first']:>8}{one['slower']:>8}{one['f1']:>8}"
        )
    for name, value in results.get("service", {}).items():
        print(f"{name}: {value}")
    for one in results.get("archive", ()):
        print(
            f"archive of {one['reports']:,}: {one['reports_per_second']:,} reports/s, "
            f"{one['times_stock']} times the stock pipeline, {one['largest_process_mb']} MB"
        )
    print(f"Written to {RESULTS} and {PAGE}")


if __name__ == "__main__":
    main()
