from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.text.sentences import split_sentences


def sentences(text: str) -> list[str]:
    return [text[span.start : span.end] for span in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No fracture. No effusion.", ["No fracture.", "No effusion."]),
        ("Marrow is normal.No effusion.", ["Marrow is normal.", "No effusion."]),
        ("A band of 3.5 mm is seen.", ["A band of 3.5 mm is seen."]),
        ("approx. 3 mm deep. Normal.", ["approx. 3 mm deep.", "Normal."]),
        ("1. Oedema.\n2. Effusion.", ["1. Oedema.", "2. Effusion."]),
        ("- Oedema\n- Effusion", ["- Oedema", "- Effusion"]),
        ("Effusion: no. Joint space: kept.", ["Effusion: no.", "Joint space: kept."]),
        ("Hip pain ? AVN\nNormal study", ["Hip pain ? AVN", "Normal study"]),
        ("Pain. ? AVN left hip", ["Pain.", "? AVN left hip"]),
        ("No fracture\nNo effusion", ["No fracture", "No effusion"]),
        ("Effusion: no\njoint space preserved", ["Effusion: no", "joint space preserved"]),
        ("Effusion ..... none. Labrum intact.", ["Effusion ..... none.", "Labrum intact."]),
        ("Effusion .... no\nlabrum .... torn", ["Effusion .... no", "labrum .... torn"]),
        ("Oedema on the right... No effusion.", ["Oedema on the right...", "No effusion."]),
        ("Effusion\nlabral tear\nno oedema", ["Effusion", "labral tear", "no oedema"]),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_a_hard_wrapped_line_does_not_end_a_sentence() -> None:
    text = (
        "There is extensive bone marrow oedema throughout the right femoral\n"
        "head and neck. No evidence of avascular necrosis, fracture or of any\n"
        "Collapse of the articular surface."
    )
    assert sentences(text) == [
        "There is extensive bone marrow oedema throughout the right femoral\nhead and neck.",
        "No evidence of avascular necrosis, fracture or of any\nCollapse of the articular surface.",
    ]


def test_a_narrow_hard_wrapped_line_does_not_end_a_sentence() -> None:
    text = (
        "There is marrow oedema in the\n"
        "left femoral head and no sign\n"
        "of an effusion in the joint\n"
        "space. The labrum is torn."
    )
    assert sentences(text) == [text[: text.index(" The")], "The labrum is torn."]


def test_a_label_begins_a_sentence_even_in_wrapped_text() -> None:
    text = (
        "Marrow oedema of the left femoral head reaching into the neck of the\nJoint: no effusion"
    )
    assert sentences(text)[-1] == "Joint: no effusion"


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=400))
def test_sentences_hold_all_that_is_not_white_space(text: str) -> None:
    spans = split_sentences(text)
    kept = "".join("".join(text[span.start : span.end].split()) for span in spans)
    assert kept == "".join(text.split())
    assert all(one.end <= other.start for one, other in itertools.pairwise(spans))


def test_time_grows_in_proportion_to_the_text() -> None:
    line = "no. of bodies is 3.5 approx. in the hip and\n"

    def seconds(count: int) -> float:
        best = float("inf")
        for _ in range(3):
            before = time.perf_counter()
            split_sentences(line * count)
            best = min(best, time.perf_counter() - before)
        return best

    assert seconds(4000) < 40 * seconds(400)
