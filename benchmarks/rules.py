"""Marrow's patterns as the plain lists that other pipelines can take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor.knowledge.phrases import LiteralStep, PhraseCompiler

if TYPE_CHECKING:
    from extractor.knowledge.load import PatternSet

_WAYS = {"both": "BIDIRECTIONAL", "forward": "FORWARD", "backward": "BACKWARD"}
_NOT_ABOUT_MENTIONS = {"terminate": "TERMINATE", "pseudo": "PSEUDO"}


def plain_rules(patterns: PatternSet) -> dict[str, Any]:
    """Return literal finding phrases with their finding, and cues with their category and direction.

    What only Marrow can say is left out: phrases with gaps and places, and the words that rule a
    phrase out. The others so have less to do.
    """
    compiler = PhraseCompiler(patterns.lexicon)
    targets = {
        (literal, rule.finding)
        for rule in patterns.rules
        if rule.finding
        for phrase in rule.phrases
        for one in compiler.compile(phrase)
        if one.is_literal and isinstance(one.steps[0], LiteralStep)
        for literal in one.steps[0].literals
    }
    cues = {
        (
            literal,
            cue.category,
            _NOT_ABOUT_MENTIONS.get(cue.category) or _WAYS.get(cue.direction, "FORWARD"),
        )
        for cue in patterns.cues
        for phrase in cue.phrases
        for literal in compiler.literals(phrase)
    }
    return {"targets": sorted(targets), "cues": sorted(cues), "findings": list(patterns.targets)}
