"""What is counted for the table besides what ``evaluate`` counts; each adds to a tally."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation.evaluate import Mistake
from evaluation.match import match
from extractor.model import Certainty, Experiencer, Level, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluation.corpora import ChestReport
    from evaluation.counts import Tally
    from evaluation.gold import GoldMention, GoldReport
    from extractor.model import Mention

TARGETS = frozenset({"marrow_oedema", "osteopenia", "effusion"})
CAVITIES = frozenset({"pleura", "pericardium", "mastoid", "subdural_space"})
"""Sites of effusions that are not of a joint."""
TAGGED = frozenset({Level.STATED, Level.PROBABLE})
"""The levels of a case."""


def count_share(tally: Tally, kind: str, *, right: bool) -> None:
    """Count one of several that are right or not: the share of right ones is the recall."""
    if right:
        tally.hit(kind, "right")
    else:
        tally.miss(kind, "right")


def score_targets(line: GoldReport, found: Sequence[Mention], tally: Tally) -> list[Mistake]:
    """Count the mentions of the three targets; return the errors.

    A mention is right where its finding and status are, and its words overlap with the expected
    ones. One with a wrong status is a false one and a missed one. Sites and side are counted over
    all that were found, whatever their status.
    """
    expected = [one for one in line.expected.mentions or () if one.finding in TARGETS]
    mentions = [one for one in found if one.finding in TARGETS]
    pairs = match(expected, mentions)
    mistakes = [mistake for pair in pairs for mistake in _score_pair(line, *pair, tally)]
    paired = {id(one) for pair in pairs for one in pair}
    for gold in expected:
        if id(gold) not in paired:
            tally.miss("target", gold.finding)
            at = (gold.start, gold.end)
            mistakes.append(Mistake.of(line, "missed", gold.finding, "nothing", at=at))
    for mention in mentions:
        if id(mention) not in paired:
            tally.false_alarm("target", mention.finding)
            at = (mention.start, mention.end)
            mistakes.append(Mistake.of(line, "false alarm", "nothing", mention.finding, at=at))
    return mistakes


def _score_pair(line: GoldReport, gold: GoldMention, found: Mention, tally: Tally) -> list[Mistake]:
    """Count a mention that was found, by its status, and what is said of it."""
    if gold.status in {None, found.status}:
        tally.hit("target", gold.finding)
    else:
        tally.miss("target", gold.finding)
        tally.false_alarm("target", gold.finding)
    checks = [("status", str(gold.status or found.status), str(found.status))]
    if gold.sites is not None:
        checks.append(("site", _listed(gold.sites), _listed(found.sites)))
    if gold.laterality is not None:
        checks.append(("side", str(gold.laterality), str(found.laterality)))
    for kind, right, read in checks:
        count_share(tally, kind, right=right == read)
    at = (gold.start, gold.end)
    return [
        Mistake.of(line, f"{kind} of {gold.finding}", right, read, at=at)
        for kind, right, read in checks
        if right != read
    ]


def score_level(line: GoldReport, level: Level, tally: Tally) -> list[Mistake]:
    """Count whether the level is exactly right, and whether a case is called one."""
    expected = line.expected.level
    if expected is None:
        return []
    count_share(tally, "level", right=level is expected)
    tally.compare_flag("case", expected=expected in TAGGED, predicted=level in TAGGED)
    if level is expected:
        return []
    return [Mistake.of(line, "level", expected, level, at=(0, 0))]


def score_chest(line: ChestReport, found: Sequence[Mention], tally: Tally) -> list[Mistake]:
    """Count, for a whole chest report, whether it says that there is effusion or osteopenia.

    Once for what is stated or likely, as the case definition takes evidence, and once with what is only
    possible or unlikely, too ("... or possible"), as the baselines were measured. Marrow oedema and
    effusion of a joint are nothing that a chest report speaks of: each is false.
    """
    said = [
        one
        for one in found
        if one.experiencer is Experiencer.PATIENT
        and one.status in {Status.AFFIRMED, Status.UNCERTAIN}
    ]
    mistakes = []
    for finding, expected in (("effusion", line.effusion), ("osteopenia", line.osteopenia)):
        ones = [one for one in said if one.finding == finding]
        tally.compare_flag(f"{finding} or possible", expected=expected, predicted=bool(ones))
        predicted = any(one.certainty in {None, Certainty.LIKELY} for one in ones)
        tally.compare_flag(finding, expected=expected, predicted=predicted)
        if predicted is not expected:
            texts = str(expected).lower(), str(predicted).lower()
            mistakes.append(Mistake.of(line, f"{finding} in the report", *texts, at=(0, 0)))
    for one in said:
        is_joint_effusion = one.finding == "effusion" and CAVITIES.isdisjoint(one.sites)
        if is_joint_effusion or one.finding == "marrow_oedema":
            tally.false_alarm("not of a chest", one.finding)
            at = (one.start, one.end)
            mistakes.append(Mistake.of(line, "false alarm", "nothing", one.finding, at=at))
    return mistakes


def _listed(sites: tuple[str, ...]) -> str:
    return ", ".join(sorted(set(sites))) or "none"
