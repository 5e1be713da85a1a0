"""What contradicts itself in one report: the title's side and the text's, a field and what is said elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor.model import Certainty, Experiencer, Laterality, SectionCategory, Status

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from extractor.model import Mention, StudyFacts

INCONSISTENT = "inconsistent_text"
_OPPOSITE = {Laterality.LEFT: Laterality.RIGHT, Laterality.RIGHT: Laterality.LEFT}
_STATING = frozenset({SectionCategory.FINDINGS, SectionCategory.IMPRESSION})


def find_conflicts(
    mentions: Sequence[Mention],
    study: StudyFacts,
    *,
    targets: Collection[str],
    sites: Collection[str],
) -> list[str]:
    """Return the flags of a report whose statements about the target findings contradict each other.

    ``sites`` are those whose sides are assessed; only what findings and impression say is compared.
    """
    told = [
        one
        for one in mentions
        if one.finding in targets
        and one.section in _STATING
        and one.experiencer == Experiencer.PATIENT
        and not set(one.sites).isdisjoint(sites)
    ]
    strong = [
        one for one in told if one.status == Status.AFFIRMED or one.certainty == Certainty.LIKELY
    ]
    denied = [one for one in told if one.status == Status.NEGATED]
    against_title = _against_title(strong, study.laterality)
    contradicted = any(_contradicts(no, yes) for no in denied for yes in strong)
    return [INCONSISTENT] if against_title or contradicted else []


def _against_title(strong: Sequence[Mention], title: Laterality) -> bool:
    """Whether all that is found lies on the side that the title does not name."""
    sides = {one.laterality for one in strong}
    return title in _OPPOSITE and sides == {_OPPOSITE[title]}


def _contradicts(no: Mention, yes: Mention) -> bool:
    """Whether a finding is denied and stated of the same place and side."""
    return (
        no.finding == yes.finding
        and no.laterality == yes.laterality
        and not set(no.sites).isdisjoint(yes.sites)
    )
