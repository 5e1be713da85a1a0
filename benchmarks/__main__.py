"""``make bench``: Marrow beside stock medspaCy, in one run on the same texts, as ratios.

The stock pipeline gets our literal finding phrases and cues as its rules, and its own splitter
and sectionizer. It runs in a process of its own, because its splitter logs every token.

Marrow remembers sentences, so the first round, of texts it has not seen, stands beside the median
of all rounds: the one is an archive that never repeats itself, the other one that always does.
"""

from __future__ import annotations

import csv
import json
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from extractor import Extractor
from extractor.knowledge.phrases import LiteralStep, PhraseCompiler

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results.json"
ROUNDS = 5
STOCK_TEXTS = 60
"""So many texts are enough to see the stock pipeline's rate, which is low."""
_WAYS = {"both": "BIDIRECTIONAL", "forward": "FORWARD", "backward": "BACKWARD"}


def main() -> None:
    """Measure both sides, print the table and write the results."""
    extractor = Extractor.load()
    with (ROOT / "examples" / "archive.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    given = {
        "texts": texts,
        "rounds": ROUNDS,
        "limit": {"marrow": len(texts), "stock": STOCK_TEXTS},
        **_rules(extractor),
    }
    sides = {side: _measure(side, given) for side in ("marrow", "stock")}
    rates = {side: one["texts"] / median(one["rounds_s"]) for side, one in sides.items()}
    first = {side: one["texts"] / one["rounds_s"][0] for side, one in sides.items()}
    results = {
        "what": "full extraction of the reports of examples/archive.csv, one process",
        "reports_per_second": {side: round(rate, 1) for side, rate in rates.items()},
        "ratio": round(rates["marrow"] / rates["stock"], 1),
        "first_round": {side: round(rate, 1) for side, rate in first.items()},
        "first_round_ratio": round(first["marrow"] / first["stock"], 1),
        "start_s": {side: round(one["start_s"], 2) for side, one in sides.items()},
        "rounds_s": {side: one["rounds_s"] for side, one in sides.items()},
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "versions": {name: version(name) for name in ("spacy", "medspacy")},
        "patterns_digest": extractor.engine.patterns_digest,
    }
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(f"{'reports/s':28}{'first round':>12}{'median':>12}")
    print(f"{'Marrow':28}{first['marrow']:>12.1f}{rates['marrow']:>12.1f}")
    print(f"{'stock medspaCy, same words':28}{first['stock']:>12.1f}{rates['stock']:>12.1f}")
    print(f"{'ratio':28}{results['first_round_ratio']:>12.1f}{results['ratio']:>12.1f}")
    print(f"{ROUNDS} rounds, written to {RESULTS}")


def _rules(extractor: Extractor) -> dict[str, Any]:
    """Return the literal finding phrases and the cues of the pattern set as plain tuples."""
    patterns = extractor.patterns
    compiler = PhraseCompiler(patterns.lexicon)
    targets = {
        (literal, rule.finding)
        for rule in patterns.rules
        if rule.finding
        for phrase in rule.phrases
        for one in compiler.compile(phrase)
        if one.is_literal and isinstance(one.steps[0], LiteralStep)
        for literal in one.steps[0].literals
    }
    cues = {
        (literal, cue.category.upper(), _WAYS.get(cue.direction, "FORWARD"))
        for cue in patterns.cues
        if cue.category not in {"terminate", "pseudo"}
        for phrase in cue.phrases
        for literal in compiler.literals(phrase)
    }
    return {"targets": sorted(targets), "cues": sorted(cues)}


def _measure(side: str, given: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input.json"
        path.write_text(json.dumps(given), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.reading", side, str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
            cwd=ROOT,
        )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


if __name__ == "__main__":
    main()
