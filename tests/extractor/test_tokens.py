from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from extractor.text.tokens import tokenise


def test_hyphens_and_line_breaks_do_not_tell_words_apart() -> None:
    assert (
        tokenise("low-signal").lower
        == tokenise("low signal").lower
        == tokenise("low\nsignal").lower
    )


def test_numbers_keep_their_decimals_and_ranges_their_sign() -> None:
    assert tokenise("3.5 mm at L1-L4, 5-10").words == [
        "3.5", "mm", "at", "L1", "L4", ",", "5", "-", "10",
    ]  # fmt: skip


def test_dots_that_lead_to_a_value_are_read_as_its_colon() -> None:
    tokens = tokenise("Effusion ..... none...")
    assert tokens.words == ["Effusion", ".....", "none", ".", ".", "."]
    assert tokens.lower == ["effusion", ":", "none", ".", ".", "."]


def test_a_number_sign_is_one_word_with_its_number() -> None:
    assert tokenise("image #255, # 601, # A123, 160#").words == [
        "image", "#255", ",", "# 601", ",", "# A123", ",", "160#",
    ]  # fmt: skip


def test_a_number_sign_stays_apart_from_ordinals_levels_and_years() -> None:
    assert tokenise("#5th MT, L4 #, D12#, hip # 2019").words == [
        "#", "5th", "MT", ",", "L4", "#", ",", "D12", "#", ",", "hip", "#", "2019",
    ]  # fmt: skip


@given(st.text(max_size=300))
def test_offsets_give_back_every_word(text: str) -> None:
    tokens = tokenise(text)
    assert [
        text[start:end] for start, end in zip(tokens.starts, tokens.ends, strict=True)
    ] == tokens.words


@given(st.text(max_size=300))
def test_tokens_come_in_order_and_do_not_overlap(text: str) -> None:
    tokens = tokenise(text)
    assert all(end <= start for end, start in zip(tokens.ends, tokens.starts[1:], strict=False))
