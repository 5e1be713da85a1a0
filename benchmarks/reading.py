"""One pipeline, run as a process of its own: read every text several times, and tell what it found.

``python -m benchmarks.reading PIPELINE INPUT OUTPUT``. The input is JSON with the texts and the rules; the
output is JSON with the seconds of each round and the mentions found in the labelled texts. Imports
nothing of Marrow but for Marrow itself: two of the pipelines live in an environment of their own.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Found = list[tuple[str, int, int, bool]]
"""Finding, half-open character offsets, and whether it is denied."""
Read = "Callable[[str], Found]"
_MEDSPACY_CATEGORIES = {
    "negation": "NEGATED_EXISTENCE",
    "uncertainty": "POSSIBLE_EXISTENCE",
    "historical": "HISTORICAL",
    "hypothetical": "HYPOTHETICAL",
    "experiencer": "FAMILY",
}


def main() -> None:
    """Measure one pipeline."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pipeline", choices=sorted(PIPELINES))
    parser.add_argument("input", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    given = json.loads(arguments.input.read_text(encoding="utf-8"))
    before = time.perf_counter()
    read, package = PIPELINES[arguments.pipeline](given)
    read(given["warm_up"])
    start_s = time.perf_counter() - before
    gc.collect()
    gc.freeze()
    texts = given["texts"][: given["limit"][arguments.pipeline]]
    result = {
        "version": version(package),
        "python": sys.version.split()[0],
        "start_s": start_s,
        "texts": len(texts),
        "rounds_s": [_seconds(read, texts) for _ in range(given["rounds"])],
        "found": [read(text) for text in given["labelled"]],
    }
    arguments.output.write_text(json.dumps(result), encoding="utf-8")


def _seconds(read: Callable[[str], Found], texts: list[str]) -> float:
    before = time.perf_counter()
    for text in texts:
        read(text)
    return time.perf_counter() - before


def _marrow(_: dict[str, Any]) -> tuple[Callable[[str], Found], str]:
    from extractor import Extractor, Report  # noqa: PLC0415 - each pipeline loads its own half

    extractor = Extractor.load()

    def read(text: str) -> Found:
        mentions = extractor.extract(Report(text)).mentions
        return [(one.finding, one.start, one.end, one.status == "negated") for one in mentions]

    return read, "marrow"


def _stock(given: dict[str, Any]) -> tuple[Callable[[str], Found], str]:
    """Return medspaCy as it comes, with its own splitter, and our words as its rules."""
    return _medspacy(given, "medspacy_pyrush")


def _stock_sentencizer(given: dict[str, Any]) -> tuple[Callable[[str], Found], str]:
    """Return medspaCy with spaCy's sentence splitter, which cuts at full stops."""
    return _medspacy(given, "sentencizer")


def _medspacy(given: dict[str, Any], splitter: str) -> tuple[Callable[[str], Found], str]:
    import medspacy  # noqa: PLC0415
    from medspacy.context import ConTextRule  # noqa: PLC0415
    from medspacy.target_matcher import TargetRule  # noqa: PLC0415

    own = ["medspacy_pyrush"] if splitter == "medspacy_pyrush" else []
    others = ["medspacy_target_matcher", "medspacy_context", "medspacy_sectionizer"]
    nlp = medspacy.load(medspacy_enable=[*own, *others])
    if not own:
        nlp.add_pipe("sentencizer", first=True)
    nlp.get_pipe("medspacy_target_matcher").add(
        [TargetRule(literal, finding) for literal, finding in given["targets"]]
    )
    nlp.get_pipe("medspacy_context").add(
        [
            ConTextRule(
                literal, _MEDSPACY_CATEGORIES.get(category, category.upper()), direction=way
            )
            for literal, category, way in given["cues"]
        ]
    )

    def read(text: str) -> Found:
        entities = nlp(text).ents
        return [(e.label_, e.start_char, e.end_char, e._.is_negated) for e in entities]

    return read, "medspacy"


def _edsnlp(given: dict[str, Any]) -> tuple[Callable[[str], Found], str]:
    """Return EDS-NLP with its matcher and its negation, over our words instead of its French ones."""
    import edsnlp  # noqa: PLC0415

    nlp = edsnlp.blank("eds")
    nlp.add_pipe("eds.normalizer")
    nlp.add_pipe("eds.sentences")
    nlp.add_pipe("eds.matcher", config={"terms": _by_finding(given), "attr": "LOWER"})
    cues = _negation_cues(given)
    nlp.add_pipe(
        "eds.negation",
        config={
            "pseudo": cues["pseudo"],
            "preceding": cues["preceding"],
            "following": cues["following"],
            "termination": cues["termination"],
            "verbs": [],
            "attr": "LOWER",
        },
    )

    def read(text: str) -> Found:
        entities = nlp(text).ents
        return [(e.label_, e.start_char, e.end_char, bool(e._.negation)) for e in entities]

    return read, "edsnlp"


def _negspacy(given: dict[str, Any]) -> tuple[Callable[[str], Found], str]:
    """Return spaCy's entity ruler and negspaCy over our words."""
    import spacy  # noqa: PLC0415
    from negspacy.negation import Negex  # noqa: F401, PLC0415 - registers the pipe

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    ruler: Any = nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    ruler.add_patterns(
        [{"label": finding, "pattern": literal} for literal, finding in given["targets"]]
    )
    cues = _negation_cues(given)
    terms = {
        "pseudo_negations": cues["pseudo"],
        "preceding_negations": cues["preceding"],
        "following_negations": cues["following"],
        "termination": cues["termination"],
    }
    nlp.add_pipe("negex", config={"neg_termset": terms, "ent_types": []})

    def read(text: str) -> Found:
        entities = nlp(text).ents
        return [(e.label_, e.start_char, e.end_char, bool(e._.negex)) for e in entities]

    return read, "negspacy"


def _by_finding(given: dict[str, Any]) -> dict[str, list[str]]:
    terms: dict[str, list[str]] = {}
    for literal, finding in given["targets"]:
        terms.setdefault(finding, []).append(literal)
    return terms


def _negation_cues(given: dict[str, Any]) -> dict[str, list[str]]:
    """Return the cues of denial as NegEx knows them."""
    cues: dict[str, list[str]] = {
        name: [] for name in ("pseudo", "preceding", "following", "termination")
    }
    for literal, category, way in given["cues"]:
        if category == "pseudo":
            cues["pseudo"].append(literal)
        elif category == "terminate":
            cues["termination"].append(literal)
        elif category == "negation":
            if way != "BACKWARD":
                cues["preceding"].append(literal)
            if way != "FORWARD":
                cues["following"].append(literal)
    return cues


PIPELINES = {
    "marrow": _marrow,
    "stock": _stock,
    "stock_sentencizer": _stock_sentencizer,
    "edsnlp": _edsnlp,
    "negspacy": _negspacy,
}

if __name__ == "__main__":
    main()
