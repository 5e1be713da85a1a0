"""Terms in text: all of them, whole words only, and the same that medspaCy's own matcher finds."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import spacy
from medspacy.common.medspacy_matcher import MedspacyMatcher
from medspacy.target_matcher import TargetRule
from spacy.tokens import Doc

from extractor.reading.terms import Term, TermFinder
from extractor.text.tokens import tokenise

if TYPE_CHECKING:
    from extractor import Extractor

GOLD = sorted((Path(__file__).resolve().parents[1] / "gold").glob("*.jsonl"))


def found(finder: TermFinder, text: str) -> list[tuple[int, int, str]]:
    words = tokenise(text).lower
    return [
        (start, end, key) for start, end, meanings in finder.find(words) for key in meanings.keys
    ]


def test_overlapping_terms_are_all_found_by_where_they_start() -> None:
    finder = TermFinder(
        [Term("marrow oedema", "rule:1"), Term("oedema", "rule:2"), Term("marrow", "site:bone")], {}
    )
    assert found(finder, "Bone marrow oedema.") == [
        (1, 2, "site:bone"),
        (1, 3, "rule:1"),
        (2, 3, "rule:2"),
    ]


def test_a_term_is_whole_words() -> None:
    finder = TermFinder([Term("hip", "region:hip")], {})
    assert found(finder, "hips ship hippocampus") == []


def test_a_literal_may_stand_for_several_things_and_for_each_once() -> None:
    terms = [Term("neck", "site:1"), Term("neck", "step:2"), Term("neck", "site:1")]
    assert found(TermFinder(terms, {}), "neck") == [(0, 1, "site:1"), (0, 1, "step:2")]


def test_no_terms_find_nothing() -> None:
    assert TermFinder([], {}).find(["hip"]) == []


def test_medspacys_matcher_finds_the_same_terms_in_every_gold_text(extractor: Extractor) -> None:
    """The matcher that Aho-Corasick stands in for (docs/decisions/0010)."""
    terms = list(extractor.compiled.terms.values())
    literals = {" ".join(tokenise(term.literal).lower) for term in terms}
    nlp = spacy.blank("en")
    nlp.tokenizer = lambda text: Doc(nlp.vocab, words=text.split())
    matcher = MedspacyMatcher(nlp, phrase_matcher_attr="ORTH", prune=False)
    matcher.add([TargetRule(literal, "TERM") for literal in sorted(literals)])
    finder = TermFinder(terms, {})
    lines = [json.loads(line) for path in GOLD for line in path.read_text("utf-8").splitlines()]
    texts = [line["text"] for line in lines if "text" in line]
    assert len(texts) > 1_000
    for text in texts:
        words = tokenise(text).lower
        with warnings.catch_warnings(action="ignore"):
            theirs = {(start, end) for _, start, end in matcher(Doc(nlp.vocab, words=words))}
        assert {(start, end) for start, end, _ in finder.find(words)} == theirs
