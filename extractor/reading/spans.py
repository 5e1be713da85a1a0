"""What a report asserts of a span that is given, whatever the span names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor.knowledge.schema import Rule
from extractor.model import SpanAssertion
from extractor.reading.assertion import AssertionReader
from extractor.reading.candidates import Candidate, find_candidates
from extractor.reading.clauses import find_clauses
from extractor.reading.mentions import find_cues, quoted_cue
from extractor.reading.places import find_sides
from extractor.reading.scopes import CueScopes

if TYPE_CHECKING:
    from extractor.reading.scan import Scan

_GIVEN = Rule(id="given.span", phrases=[], block=True)


def read_span(scan: Scan, start: int, end: int) -> SpanAssertion:
    """Return what is asserted of the words between two character offsets.

    The other mentions of the report take part, because lists and fields are read across them.

    Raises:
        ValueError: no word stands between the offsets.

    """
    tokens = scan.document.tokens
    inside = [
        index
        for index in range(len(tokens))
        if tokens.starts[index] < end
        and tokens.ends[index] > start
        and scan.document.sentence_of[index] >= 0
    ]
    if not inside or start >= end:
        msg = f"no word stands between the offsets {start} and {end}"
        raise ValueError(msg)
    given = Candidate(inside[0], inside[-1] + 1, _GIVEN)
    others = [
        one
        for one in find_candidates(scan, (), region=None, modality=None)
        if one.end <= given.start or one.start >= given.end
    ]
    candidates = sorted([*others, given], key=lambda one: one.start)
    cues = find_cues(scan, candidates)
    clauses = find_clauses(scan, cues, candidates, find_sides(scan))
    scopes = CueScopes(scan, candidates, cues, clauses)
    assertion = AssertionReader(scan, scopes, candidates).read(given)
    return SpanAssertion(
        assertion.status,
        assertion.certainty,
        assertion.experiencer,
        tuple(quoted_cue(scan, cue) for cue in assertion.cues),
        is_past=assertion.is_past,
    )
