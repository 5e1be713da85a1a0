"""Whatever a report is made of, it is read in the time that its length allows, and twice alike.

Fragments that a reader stumbles over, repeated and mixed; `make fuzz` tries more, others each time.
"""

from __future__ import annotations

import json
import os
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor import Extractor, Report

EXAMPLES = int(os.environ.get("MARROW_FUZZ_EXAMPLES", "0"))
MOST_CHARS = 60_000
MOST_S = 5.0
"""A tenth of a millisecond for a character is usual; a hundred times that is a fault."""
FRAGMENTS = st.sampled_from(
    [
        "bone marrow oedema", "effusion", "osteopenia", "TOH", "transient osteoporosis", "no ", "not ", "no evidence of ",
        "possible ", "cannot be excluded ", "likely ", "history of ", "previous ", "resolved ", "versus ", "or ", "and ",
        "left ", "right ", "both ", "hip ", "femoral head ", "femoral neck ", "acetabulum ", "?", "+", "-", "--", "#", "# ",
        "FINDINGS:", "Impression", "IMPRESSION\n", "Effusion: No\n", "CLINICAL HISTORY:", "1. ", "12) ", "- ", "* ", ". ",
        ".", ",", ";", ":", "(", ")", "[", "]", "/", "\\", "\"", "'", "|", "=", "<", ">", "&nbsp;", "\n", "\r\n", "\r",
        "\n\n", "\t", " ", "  ", "\x00", "\x0b", "\x0c", "\x85", "\u2028", "\u00a0", "\u200b", "\u202e", "\ufeff", "\ufffd",
        "\u0301", "\ud83e\uddb4".encode("utf-16", "surrogatepass").decode("utf-16"), "Ödem", "œdème", "浮肿", "оте́к", "İ", "ß", "ﬁ",
        "45-year-old man ", "3.5 cm ", "01/02/2020 ", "9" * 40, "a" * 300, "_" * 60, "." * 60,
    ]
)  # fmt: skip
PIECES = st.tuples(FRAGMENTS, st.sampled_from([1, 1, 1, 2, 7, 60, 900, 9_000]))
TEXTS = st.lists(st.one_of(PIECES, st.tuples(st.text(max_size=8), st.just(1))), max_size=14).map(
    lambda pieces: "".join(part * times for part, times in pieces)[:MOST_CHARS]
)


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    return Extractor.load()


@pytest.mark.timeout(180 + EXAMPLES)
def test_any_report_is_read_in_bounded_time_and_its_quotes_stand_in_it(
    extractor: Extractor,
) -> None:
    @settings(max_examples=EXAMPLES or 60, derandomize=not EXAMPLES, database=None, deadline=None)
    @given(text=TEXTS)
    def check(text: str) -> None:
        began_s = time.process_time()
        result = extractor.extract(Report(text))
        assert time.process_time() - began_s < MOST_S
        for mention in result.mentions:
            assert text[mention.start : mention.end] == mention.quote
        # What was remembered of its sentences changes nothing.
        again = extractor.extract(Report(text))
        assert json.dumps(again.to_dict()) == json.dumps(result.to_dict())

    check()
