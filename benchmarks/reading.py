"""One side of the measurement, run as a process of its own: read every text, several times over.

``python -m benchmarks.reading SIDE INPUT`` with the side ``marrow`` or ``stock``; prints JSON with
the seconds of each round. The input file holds the texts, and for the stock pipeline the rules.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    """Measure one side and print its rounds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=sorted(SIDES))
    parser.add_argument("input", type=Path)
    arguments = parser.parse_args()
    given = json.loads(arguments.input.read_text(encoding="utf-8"))
    before = time.perf_counter()
    read = SIDES[arguments.side](given)
    start_s = time.perf_counter() - before
    texts = given["texts"][: given["limit"][arguments.side]]
    for text in texts[:10]:
        read(text)
    rounds = [_seconds(read, texts) for _ in range(given["rounds"])]
    json.dump({"start_s": start_s, "texts": len(texts), "rounds_s": rounds}, sys.stdout)


def _seconds(read: Callable[[str], object], texts: list[str]) -> float:
    before = time.perf_counter()
    for text in texts:
        read(text)
    return time.perf_counter() - before


def _marrow(_: dict[str, Any]) -> Callable[[str], object]:
    from extractor import Extractor, Report  # noqa: PLC0415 - each side loads its own half

    extractor = Extractor.load()
    return lambda text: extractor.extract(Report(text))


def _stock(given: dict[str, Any]) -> Callable[[str], object]:
    """Return medspaCy as it comes, PyRuSH and sectionizer included, with our words as its rules."""
    import medspacy  # noqa: PLC0415
    from medspacy.context import ConTextRule  # noqa: PLC0415
    from medspacy.target_matcher import TargetRule  # noqa: PLC0415

    nlp = medspacy.load(
        medspacy_enable=[
            "medspacy_pyrush",
            "medspacy_target_matcher",
            "medspacy_context",
            "medspacy_sectionizer",
        ]
    )
    nlp.get_pipe("medspacy_target_matcher").add(
        [TargetRule(literal, category) for literal, category in given["targets"]]
    )
    nlp.get_pipe("medspacy_context").add(
        [ConTextRule(literal, category, direction=way) for literal, category, way in given["cues"]]
    )
    result: Callable[[str], object] = nlp
    return result


SIDES = {"marrow": _marrow, "stock": _stock}

if __name__ == "__main__":
    main()
