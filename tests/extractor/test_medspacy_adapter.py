"""What medspaCy does to a process when it is imported, and that we do not let it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from extractor import PatternError
from extractor.medspacy_adapter import CuePhrase, MedspacyMatcher, Term

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
    hits = {(hit.key, hit.start, hit.end) for hit in matcher.terms(["marrow", "oedema"])}
    assert hits == {("a", 0, 2), ("b", 1, 2)}


def test_a_cue_ends_at_its_sentence() -> None:
    matcher = MedspacyMatcher([], [CuePhrase("no", "no", "forward")])
    (cue,) = matcher.cues(["no", "effusion", ".", "oedema"], [0, 3])
    assert (cue.scope_start, cue.scope_end) == (1, 3)


def test_words_that_end_cues_and_are_one_are_refused() -> None:
    cues = [CuePhrase("but", "one", "terminate"), CuePhrase("but", "two", "forward")]
    with pytest.raises(PatternError, match="'but' stands in 'one', 'two'"):
        MedspacyMatcher([], cues)
