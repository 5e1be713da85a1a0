"""Clauses: what parts the places and sides of a sentence, and the remarks within it."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from extractor.reading.remarks import find_remarks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor.medspacy_adapter import CueHit
    from extractor.reading.candidates import Candidate
    from extractor.reading.places import SideHit
    from extractor.reading.scan import Scan


@dataclass(frozen=True, slots=True)
class Clauses:
    """The clauses of one report."""

    number_of: list[int]
    """The number of the clause of each token; a remark is a clause inside another, which goes on behind it."""
    remarks_of: dict[int, set[int]]
    """By token, the numbers of the remarks that it stands in; tokens in none are left out."""

    def part(self, one: int, other: int) -> bool:
        """Whether one of two tokens stands in a remark and the other does not."""
        return self.remarks_of.get(one) != self.remarks_of.get(other)


def find_clauses(
    scan: Scan,
    cues: Sequence[CueHit],
    candidates: Sequence[Candidate],
    sides: Sequence[SideHit],
) -> Clauses:
    """Return the clauses of a report."""
    remarks = find_remarks(scan, candidates, sides)
    numbers = _numbered(scan, cues, candidates)
    remarks_of: dict[int, set[int]] = {}
    for position, remark in enumerate(remarks, 1):
        for index in range(remark.start, remark.end):
            numbers[index] += position * (len(numbers) + 1)
            remarks_of.setdefault(index, set()).add(position)
    return Clauses(numbers, remarks_of)


def _numbered(scan: Scan, cues: Sequence[CueHit], candidates: Sequence[Candidate]) -> list[int]:
    """Return the clause number of each token; contrasts, semicolons and a label's colon part clauses.

    The label that is itself a mention goes with its value ("Marrow oedema: femoral neck").
    """
    rules = scan.compiled.cues
    starts = {cue.start for cue in cues if rules[cue.rule].clause}
    tokens = scan.document.tokens
    starts |= {
        cue.start
        for cue in cues
        if rules[cue.rule].category == "negation" and tokens.lower[cue.start - 1] == ","
    }
    first = [one.start for one in candidates]
    starts |= {
        tokens.index_at(label.end)
        for label in scan.document.labels
        if bisect_left(first, tokens.index_at(label.start))
        == bisect_left(first, tokens.index_at(label.end))
    }
    starts |= {index for index, word in enumerate(scan.document.tokens.lower) if word == ";"}
    sentences = scan.document.sentence_of
    starts.update(at for at, (one, next_) in enumerate(pairwise(sentences), 1) if one != next_)
    numbers: list[int] = []
    for number, (begins, ends) in enumerate(
        pairwise([0, *sorted(starts - {0}), len(sentences)]), 1
    ):
        numbers += [number] * (ends - begins)
    return numbers
