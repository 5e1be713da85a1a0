"""What in a pattern set would silently do nothing, or do what nobody decided.

Nothing here is needed to read reports: a set that loads may still hold phrases that another one
always hides, cues that reach no mention, or lexicon entries that no phrase uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor.knowledge.lint_course import course_remarks
from extractor.knowledge.lint_cues import CueChecks
from extractor.knowledge.lint_duplicates import duplicates
from extractor.knowledge.lint_names import NameChecks, removed_names
from extractor.knowledge.lint_rules import RuleChecks
from extractor.knowledge.load import load_patterns, pattern_roots
from extractor.knowledge.positions import Positions
from extractor.knowledge.remarks import Remark, Severity
from extractor.knowledge.wordings import Collector

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Remark", "Severity", "lint_patterns"]


def lint_patterns(directory: Path | None = None) -> list[Remark]:
    """Return the remarks on a pattern set; the shipped one by default. Errors first, then by place.

    Of a directory that extends the shipped set only its own files are remarked on.

    Raises:
        PatternError: the set cannot be loaded at all.

    """
    roots = pattern_roots(directory)
    patterns = load_patterns(directory)
    positions = Positions(roots)
    collector = Collector(patterns, positions)
    wordings = collector.wordings
    found = [
        *collector.remarks,
        *duplicates(wordings, collector.compiler),
        *RuleChecks(patterns, wordings).remarks(),
        *CueChecks(patterns, positions, wordings).remarks(),
        *NameChecks(patterns, positions, wordings, collector.compiler.used).remarks(),
        *removed_names(roots, positions),
        *course_remarks(patterns, positions),
    ]
    own = (one for one in found if one.place.root == len(roots) - 1)
    return sorted(set(own), key=_order)


def _order(one: Remark) -> tuple[bool, str, int, str, str]:
    return one.severity != Severity.ERROR, one.place.file, one.place.line, one.code, one.text
