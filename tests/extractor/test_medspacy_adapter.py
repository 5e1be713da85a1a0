"""What medspaCy does to a process when it is imported, and that we do not let it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from extractor import PatternError
from extractor.medspacy_adapter import CueFinder, CuePhrase

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
