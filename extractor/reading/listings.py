"""Lists under a label that doubts each of their items: "Differential diagnosis:" and what follows.

An item is on a line of its own under the label, or begins with a bullet or a number, or stands
in the label's sentence. What follows as a sentence beside them is no item.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extractor.medspacy_adapter import CueHit

if TYPE_CHECKING:
    from extractor.reading.candidates import Candidate
    from extractor.reading.scan import Hit, Scan
    from extractor.text.document import Sentence
    from extractor.text.sections import Label

_OPENING = 2
"""Words at the beginning of a label in which its cue begins ("Main differential diagnosis")."""
_ITEM_MAX_WORDS = 16
"""A longer sentence under a label is a statement of its own."""
_MARK = re.compile(r"[ \t]*(?:[-*>\u2022\u2013]|\(?\d{1,2}[.)]|\(?[a-z][.)])[ \t]")
_BULLETS = frozenset("-*>\u2022\u2013")
_NUMBER_SIGNS = frozenset({".", ")"})


class Listings:
    """Answers for the candidates of one report which label's list they are items of."""

    def __init__(self, scan: Scan) -> None:
        self._document = scan.document
        self._hits = {hit.start: hit for hit in scan.kind("heads")}

    def over(self, one: Candidate) -> CueHit | None:
        """Return the cue of the label whose list the candidate is an item of."""
        sentence = self._document.sentence_at(one.start)
        if not self._hits or sentence.end - sentence.start > _ITEM_MAX_WORDS:
            return None
        hit = self._label_of(one, sentence) or self._line_above(sentence)
        return CueHit(hit.value, hit.start, hit.end, hit.start, hit.end) if hit else None

    def _label_of(self, one: Candidate, sentence: Sentence) -> Hit | None:
        label = sentence.label
        if label is None:
            return None
        tokens = self._document.tokens
        first, last = tokens.index_at(label.start), tokens.index_at(label.end)
        hit = next(
            (self._hits[at] for at in range(first, first + _OPENING) if at in self._hits), None
        )
        if hit is None or one.start < last or not self._is_item(sentence, label, last):
            return None
        return hit

    def _line_above(self, sentence: Sentence) -> Hit | None:
        """Return what ends a line without a colon, above the marked lines of which this is one ("Opinion: D/D")."""
        if not self._is_marked(sentence):
            return None
        tokens, text = self._document.tokens, self._document.text
        first = tokens.starts[sentence.start]
        above = (hit for hit in reversed(self._hits.values()) if hit.end <= sentence.start)
        hit = next(above, None)
        if hit is None:
            return None
        rest, line_end, items = text[tokens.ends[hit.end - 1] : first].partition("\n")
        is_head = bool(line_end) and not any(sign.isalnum() for sign in rest)
        return hit if is_head and "\n\n" not in items.lstrip() else None

    def _is_item(self, sentence: Sentence, label: Label, behind: int) -> bool:
        text = self._document.text
        line = text[text.rfind("\n", 0, label.start) + 1 : label.start]
        if sentence.start < behind:
            return True
        if _MARK.match(line):  # the label is an item itself: those behind it are its siblings
            return False
        between = text[label.end : self._document.tokens.starts[sentence.start]].lstrip()
        if "\n\n" in between:
            return False
        heads_lines = label.own_line or text[label.end - 1] == "\n"
        words = self._document.tokens.words[behind : sentence.start]
        opens = not any(word.isalpha() for word in words)  # "DDx: 1. ..."
        return heads_lines or opens or self._is_marked(sentence)

    def _is_marked(self, sentence: Sentence) -> bool:
        words = self._document.tokens.words
        first = words[sentence.start : sentence.start + 2]
        return words[sentence.start - 1] in _BULLETS or (
            first[0].isdigit() and not _NUMBER_SIGNS.isdisjoint(first[1:])
        )
