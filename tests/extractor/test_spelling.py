"""Typing errors: one edit is mended, a word that is known never, and the text stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor import Extractor, Report
from extractor.text.spelling import Speller

LISTED = ["effusion", "transient", "demineralised", "demineralized", "marrow"]
SPELLER = Speller(LISTED, known=["affusion", "transients"])


@pytest.mark.parametrize(
    "word", ["efusion", "efffusion", "effuzion", "effusoin", "feffusion", "effusio", "fefusion"]
)
def test_one_letter_missing_too_many_wrong_or_swapped_is_mended(word: str) -> None:
    assert SPELLER.mended(word) == "effusion"


@pytest.mark.parametrize(
    "word",
    [
        "effusion",  # right as it is
        "affusion",  # known, and an edit away
        "transients",
        "efuzion",  # two edits
        "marow",  # too short to be sure
        "demineraliced",  # as near to one spelling as to the other
        "effus1on",  # no word
        "fracture",  # near to none
    ],
)
def test_all_else_is_left_as_it_is(word: str) -> None:
    assert SPELLER.mended(word) == word


@given(st.text(max_size=20))
def test_a_word_becomes_a_listed_one_or_stays(word: str) -> None:
    assert SPELLER.mended(word) in {word, *LISTED}


def test_no_word_of_the_patterns_is_mended_into_another(extractor: Extractor) -> None:
    words = [*extractor._compiled.words, *extractor.patterns.spelling.not_typos]
    assert [word for word in words if extractor._speller.mended(word) != word] == []


def test_every_listed_word_is_read_in_spite_of_a_swap(extractor: Extractor) -> None:
    speller = extractor._speller
    for word in extractor.patterns.spelling.words:
        for at in range(len(word) - 1):
            swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
            assert speller.mended(swapped) in {word, swapped}


@pytest.mark.parametrize(
    ("text", "finding", "quote"),
    [
        ("MRI left hip. Small joint efffusion.", "effusion", "Small joint efffusion"),
        ("MRI left hip. Small joint effusoin.", "effusion", "Small joint effusoin"),
        ("XR left hip. Marked osteopnia of the head.", "osteopenia", "osteopnia"),
        (
            "MRI hips. Transeint osteoporosis of the left hip.",
            "itoh_diagnosis",
            "Transeint osteoporosis of the left hip",
        ),
        (
            "MRI left hip. Subchonral insufficiency fracture.",
            "insufficiency_fracture",
            "Subchonral insufficiency fracture",
        ),
    ],
)
def test_a_mention_with_a_typing_error_quotes_the_text_untouched(
    extractor: Extractor, text: str, finding: str, quote: str
) -> None:
    (mention,) = extractor.extract(Report(text)).mentions
    assert (mention.finding, mention.quote) == (finding, quote)
    assert text[mention.start : mention.end] == quote


@pytest.mark.parametrize(
    ("text", "site"),
    [
        ("Marrow oedema of the acetablum.", "acetabulum"),
        ("Marrow oedema in the intertrochantric region.", "intertrochanteric"),
    ],
)
def test_places_are_read_in_spite_of_a_typing_error(
    extractor: Extractor, text: str, site: str
) -> None:
    (mention,) = extractor.extract(Report(f"MRI left hip. {text}")).mentions
    assert mention.sites == (site,)


def test_an_ordinary_word_is_no_typing_error(extractor: Extractor) -> None:
    text = (
        "MRI left hip. Diffusion images and perfusion images, infusion pump, fusion of the spine."
    )
    assert extractor.extract(Report(text)).mentions == ()


def test_a_word_longer_than_any_is_left_alone_at_once() -> None:
    word = "a" * 200_000
    assert Speller(["osteopenia"], ()).mended(word) == word
