"""What medspaCy does to a process when it is imported, and that we do not let it."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import spacy
from medspacy.context import ConText
from spacy.tokens import Doc

from extractor import PatternError, Report
from extractor.knowledge.phrases import PhraseCompiler
from extractor.medspacy_adapter import CueFinder, CuePhrase, _context_rules
from extractor.reading.compiled import _cue_phrases

if TYPE_CHECKING:
    from extractor import Extractor

GOLD = sorted((Path(__file__).resolve().parents[1] / "gold").glob("*.jsonl"))

PROBE = """
import warnings
before = list(warnings.filters)
from extractor import Extractor, Report
Extractor.load().extract(Report("MRI HIP. No SECRETWORD joint effusion. Marrow oedema."))
assert warnings.filters == before, "warnings are silenced for the whole process"
"""


def test_reading_writes_nothing_to_standard_error_and_leaves_warnings_alone() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROBE], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_no_cue_reaches_from_one_sentence_into_the_next() -> None:
    finder = CueFinder(
        [CuePhrase("? early", "early", "forward"), CuePhrase("?", "query", "backward")]
    )
    found = finder.find([("oedema", "?"), ("early", "necrosis")])
    assert [[cue.rule for cue in one] for one in found] == [["query"], []]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extractor.medspacy_adapter._REMEMBERED", 3)
    finder = CueFinder([CuePhrase("no", "no", "forward")])
    for number in range(9):
        assert len(finder.find([("no", str(number))])[0]) == 1
        assert finder.remembered() <= 3


def test_known_and_new_sentences_are_read_together_when_memory_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("extractor.medspacy_adapter._REMEMBERED", 3)
    finder = CueFinder([CuePhrase("no", "no", "forward")])
    known, others = ("no", "oedema"), [("oedema", str(number)) for number in range(3)]
    alone = finder.find([known])
    assert finder.find([known, *others])[0] == alone[0]


def test_a_cue_ends_at_its_sentence() -> None:
    finder = CueFinder([CuePhrase("no", "no", "forward")])
    (cue,), nothing = finder.find([("no", "effusion", "."), ("oedema",)])
    assert (cue.scope_start, cue.scope_end) == (1, 3)
    assert nothing == []


def test_words_that_end_cues_and_are_one_are_refused() -> None:
    cues = [CuePhrase("but", "one", "terminate"), CuePhrase("but", "two", "forward")]
    with pytest.raises(PatternError, match="'but' stands in 'one', 'two'"):
        CueFinder(cues)


def test_cues_and_scopes_are_those_of_medspacys_own_component_in_every_gold_sentence(
    extractor: Extractor,
) -> None:
    """The component over a ``Doc``, for which the rules, modifiers and graph of medspaCy stand in."""
    patterns = extractor.patterns
    cues = _cue_phrases(patterns, PhraseCompiler(patterns.lexicon))
    finder, theirs = CueFinder(cues), _component(cues)
    lines = [json.loads(line) for path in GOLD for line in path.read_text("utf-8").splitlines()]
    texts = [line["text"] for line in lines if "text" in line]
    sentences = set()
    for text in texts:
        document, _ = extractor._scan(Report(text))
        lower = document.tokens.lower
        sentences |= {tuple(lower[one.start : one.end]) for one in document.sentences}
    assert len(sentences) > 5_000
    for words in sorted(sentences):
        (ours,) = finder.find([words])
        told = [(one.rule, one.start, one.end, one.scope_start, one.scope_end) for one in ours]
        assert told == _found(theirs, words)


def _component(cues: list[CuePhrase]) -> ConText:
    nlp = spacy.blank("en")
    nlp.tokenizer = lambda text: Doc(nlp.vocab, words=text.split())
    component = ConText(
        nlp,
        rules=None,
        phrase_matcher_attr="ORTH",
        span_attrs=None,
        input_span_type="group",
        span_group_name="targets",
    )
    component.add(_context_rules(cues))
    return component


def _found(component: ConText, words: tuple[str, ...]) -> list[tuple[Any, ...]]:
    # a word more than the sentence has: what looks forward from its last word has a scope too
    begins: list[bool | int | None] = [True, *([False] * len(words))]
    doc = Doc(component.nlp.vocab, words=[*words, "\n"], sent_starts=begins)
    doc.spans["targets"] = []
    with warnings.catch_warnings(action="ignore"):
        modifiers = component(doc)._.context_graph.modifiers
    return [
        (rule, *one.modifier_span, *(min(at, len(words)) for at in one.scope_span))
        for one in modifiers
        for rule in one.rule.metadata["rules"]
    ]
