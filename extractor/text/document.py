"""A report cut into sections, sentences and tokens, each knowing where it stands."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor.text.sections import Label, SectionFinder, find_labels
from extractor.text.sentences import Span, split_sentences, wrap_width
from extractor.text.tokens import Tokens, tokenise

if TYPE_CHECKING:
    from extractor.model import Section, SectionCategory
    from extractor.text.spelling import Speller


_ITEM_SIGNS = 2
"""Tokens of an item's number, behind which its label begins ("2. Left hip:")."""


_LONGEST = 500
"""Tokens; more are no sentence of anybody's but a text without full stops, and are cut here: what is
asked of every pair of things in a sentence must not grow with the text."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """Half-open token range, the section it is in, and the label above or before it."""

    index: int
    start: int
    end: int
    section: SectionCategory
    section_index: int
    label: Label | None


@dataclass(frozen=True, slots=True)
class Document:
    """The report as the reading steps see it."""

    text: str
    title: str
    tokens: Tokens
    sections: tuple[Section, ...]
    labels: list[Label]
    sentences: list[Sentence]
    sentence_of: list[int]
    """Index of the sentence of each token."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the character offsets of a half-open token range."""
        return self.tokens.starts[start], self.tokens.ends[end - 1]

    def sentence_at(self, token: int) -> Sentence:
        """Return the sentence that holds a token."""
        return self.sentences[self.sentence_of[token]]


def cut(text: str, finder: SectionFinder, speller: Speller) -> Document:
    """Cut a report; headings themselves belong to no sentence."""
    sections = finder.find(text)
    title = finder.find_title(text, sections)
    labels = find_labels(text, sections)
    # the title names the examination; it is no paragraph label whose side and place sentences inherit
    inherited = [label for label in labels if label.text != title]
    label_starts = [label.start for label in inherited]
    tokens = tokenise(text, speller.reading)
    width = wrap_width(text)
    sentences: list[Sentence] = []
    sentence_of = [-1] * len(tokens)
    for section_index, section in enumerate(sections):
        body_start = section.start + len(section.title)
        body = text[body_start : section.end]
        lead = body_start - (text.rfind("\n", 0, body_start) + 1)
        for span in _behind_title(split_sentences(body, lead=lead, width=width), body, title):
            start = tokens.index_at(body_start + span.start)
            end = tokens.index_at(body_start + span.end)
            while start < end and tokens.words[start] in ":-\u2013\u2014*>\u2022":
                start += 1
            if start >= end:
                continue
            for first in range(start, end, _LONGEST):
                last = min(first + _LONGEST, end)
                opening = tokens.starts[min(first + _ITEM_SIGNS, last - 1)]
                label = _label_for(inherited, label_starts, opening)
                sentence_of[first:last] = [len(sentences)] * (last - first)
                sentences.append(
                    Sentence(len(sentences), first, last, section.category, section_index, label)
                )
    return Document(text, title, tokens, sections, labels, sentences, sentence_of)


def _behind_title(spans: list[Span], body: str, title: str) -> list[Span]:
    """Return the sentences with the title as one of its own where only a dash parts it from the first."""
    first = spans[0] if spans and title else None
    if first is None or not body.startswith(title, first.start):
        return spans
    end = first.start + len(title)
    rest = body[end : first.end].lstrip()
    if not rest.startswith(("-", "\u2013", "\u2014")):
        return spans
    return [Span(first.start, end), Span(first.end - len(rest), first.end), *spans[1:]]


def _label_for(labels: list[Label], starts: list[int], offset: int) -> Label | None:
    """Return the label that governs an offset: the last before it, as far as that one reaches."""
    position = bisect_right(starts, offset) - 1
    return labels[position] if position >= 0 and offset < labels[position].scope_end else None
