"""What medspaCy does to a process when it is imported, and that we do not let it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from extractor import PatternError
from extractor.medspacy_adapter import CuePhrase, MedspacyMatcher, Term, TermHit

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


def test_overlapping_terms_are_all_found() -> None:
    matcher = MedspacyMatcher([Term("marrow oedema", "a"), Term("oedema", "b")], [])
    (found,) = matcher.terms([("marrow", "oedema")])
    assert {(hit.key, hit.start, hit.end) for hit in found} == {("a", 0, 2), ("b", 1, 2)}


def test_sentences_are_read_one_by_one_and_alike_each_time() -> None:
    matcher = MedspacyMatcher([Term("marrow oedema", "a"), Term("oedema", "b")], [])
    sentences = [("bone", "marrow"), ("oedema",), ("bone", "marrow")]
    found = [[(hit.key, hit.start, hit.end) for hit in one] for one in matcher.terms(sentences)]
    assert found == [[], [("b", 0, 1)], []]
    assert matcher.terms(sentences) == matcher.terms(sentences)


def test_no_phrase_reaches_from_one_sentence_into_the_next() -> None:
    matcher = MedspacyMatcher(
        [Term("oedema early", "a")],
        [CuePhrase("? early", "early", "forward"), CuePhrase("?", "query", "backward")],
    )
    sentences = [("oedema", "?"), ("early", "necrosis")]
    assert matcher.terms([("oedema",), ("early",)]) == [[], []]
    assert [[cue.rule for cue in one] for one in matcher.cues(sentences)] == [["query"], []]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extractor.medspacy_adapter._REMEMBERED", 3)
    matcher = MedspacyMatcher([Term("oedema", "a")], [CuePhrase("no", "no", "forward")])
    for number in range(9):
        assert matcher.terms([("oedema", str(number))]) == [[TermHit("a", 0, 1)]]
        assert len(matcher.cues([("no", str(number))])[0]) == 1
        assert max(matcher.remembered()) <= 3


def test_known_and_new_sentences_are_read_together_when_memory_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("extractor.medspacy_adapter._REMEMBERED", 3)
    matcher = MedspacyMatcher([Term("oedema", "a")], [CuePhrase("no", "no", "forward")])
    known, others = ("no", "oedema"), [("oedema", str(number)) for number in range(3)]
    alone = matcher.terms([known]), matcher.cues([known])
    assert matcher.terms([known, *others])[0] == alone[0][0]
    assert matcher.cues([known, *others])[0] == alone[1][0]


def test_a_cue_ends_at_its_sentence() -> None:
    matcher = MedspacyMatcher([], [CuePhrase("no", "no", "forward")])
    (cue,), nothing = matcher.cues([("no", "effusion", "."), ("oedema",)])
    assert (cue.scope_start, cue.scope_end) == (1, 3)
    assert nothing == []


def test_words_that_end_cues_and_are_one_are_refused() -> None:
    cues = [CuePhrase("but", "one", "terminate"), CuePhrase("but", "two", "forward")]
    with pytest.raises(PatternError, match="'but' stands in 'one', 'two'"):
        MedspacyMatcher([], cues)
