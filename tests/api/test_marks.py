"""Spans that overlap become marks that nest, and no character is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from api.pages.marks import Mark, Node, Span, nest, spans_of
from extractor.model import Cue, Experiencer, Laterality, Mention, SectionCategory, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = "No low T1 and high STIR signal"


def leaves(
    nodes: tuple[Node, ...], around: tuple[Mark, ...] = ()
) -> Iterator[tuple[str, tuple[Mark, ...]]]:
    for node in nodes:
        if isinstance(node, Mark):
            yield from leaves(node.children, (*around, node))
        else:
            yield node, around


def drawn(nodes: tuple[Node, ...]) -> str:
    """The marks as brackets with the numbers of their mentions, a cut one with a plus."""
    parts = []
    for node in nodes:
        if isinstance(node, Mark):
            name = ",".join(map(str, node.span.mentions)) + ("" if node.is_first else "+")
            parts.append(f"[{name}:{drawn(node.children)}]")
        else:
            parts.append(node)
    return "".join(parts)


def test_a_span_inside_another_is_nested() -> None:
    assert drawn(nest("abcdef", [Span(2, 4, (2,)), Span(1, 5, (1,))])) == "a[1:b[2:cd]e]f"


def test_of_spans_that_cross_the_later_is_cut_and_goes_on() -> None:
    assert drawn(nest("abcdef", [Span(0, 4, (1,)), Span(2, 6, (2,))])) == "[1:ab[2:cd]][2+:ef]"


def test_a_span_is_cut_once_for_each_that_it_crosses() -> None:
    spans = [Span(0, 2, (1,)), Span(1, 4, (2,)), Span(3, 6, (3,))]
    assert drawn(nest("abcdef", spans)) == "[1:a[2:b]][2+:c[3:d]][3+:ef]"


def test_spans_beside_each_other_stay_apart() -> None:
    assert drawn(nest("abcd", [Span(0, 2, (1,)), Span(2, 4, (2,))])) == "[1:ab][2:cd]"


def test_a_span_outside_the_text_is_passed_over() -> None:
    assert drawn(nest("abc", [Span(2, 9, (1,)), Span(1, 1, (2,)), Span(-1, 2, (3,))])) == "abc"


def test_mentions_of_the_very_same_words_share_a_mark_and_a_cue_is_its_own() -> None:
    cue = Cue("negation", "No", 0, 2, "negation.plain")

    def mention(number: int, start: int, end: int) -> Mention:
        return Mention(
            number, "marrow_oedema", TEXT[start:end], start, end, Status.NEGATED, None, (),
            Laterality.LEFT, None, None, None, None, Experiencer.PATIENT,
            SectionCategory.FINDINGS, "rule", (cue,),
        )  # fmt: skip

    spans = spans_of([mention(1, 3, 9), mention(2, 3, 9), mention(3, 14, 30)])
    assert spans == [
        Span(3, 9, (1, 2)),
        Span(0, 2, (1, 2, 3), is_cue=True),
        Span(14, 30, (3,)),
    ]


SPANS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 12)).map(lambda ends: (min(ends), max(ends))),
    max_size=8,
)


@given(SPANS)
def test_every_character_stands_once_in_just_the_marks_whose_spans_hold_it(
    ends: list[tuple[int, int]],
) -> None:
    text = "abcdefghijkl"
    spans = [Span(start, end, (number,)) for number, (start, end) in enumerate(ends)]
    at, begun = 0, []
    for words, around in leaves(nest(text, spans)):
        assert words == text[at : at + len(words)]
        for place in range(at, at + len(words)):
            holding = {one.mentions for one in spans if one.start <= place < one.end}
            assert {mark.span.mentions for mark in around} == holding
        at += len(words)
        begun += [mark for mark in around if mark.is_first and mark.span.start == at - len(words)]
    assert at == len(text)
    assert {mark.span.mentions for mark in begun} == {s.mentions for s in spans if s.start < s.end}
