"""Labels that name a finding whose value names it again ("Joint effusion: No significant joint effusion.")."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor.reading.candidates import Candidate
    from extractor.reading.scan import Scan
    from extractor.text.sections import Label

_PARTS_VALUE = frozenset({",", ";", "(", "than"})
"""Behind one of these the value does not begin any more ("Effusion: moderate, larger than the effusion of 2019")."""


def without_labels(found: list[Candidate], scan: Scan) -> list[Candidate]:
    """Drop what only heads its field: the value decides, and it names the same finding itself."""
    headed = {id(one) for label in scan.document.labels for one in _heading(label, found, scan)}
    return [one for one in found if id(one) not in headed]


def _heading(label: Label, found: Sequence[Candidate], scan: Scan) -> list[Candidate]:
    """Return the candidates in the label that the first sentence of its value names again."""
    tokens = scan.document.tokens
    first, last = tokens.index_at(label.start), tokens.index_at(label.end)
    within = [one for one in found if first <= one.start and one.end <= last]
    if not within:
        return []
    value = _named_again(label, last, found, scan)
    return [one for one in within if one.rule.finding in value]


def _named_again(
    label: Label, last: int, found: Sequence[Candidate], scan: Scan
) -> set[str | None]:
    """Return the findings that the first sentence behind the label names before any comma."""
    document = scan.document
    begins = next(
        (at for at in range(last, len(document.tokens)) if document.sentence_of[at] >= 0), None
    )
    if begins is None or document.tokens.starts[begins] >= label.scope_end:
        return set()
    return {
        one.rule.finding
        for one in found
        if one.start >= begins
        and document.sentence_of[one.start] == document.sentence_of[begins]
        and not one.rule.ellipsis
        and _PARTS_VALUE.isdisjoint(document.tokens.lower[begins : one.start])
    }
