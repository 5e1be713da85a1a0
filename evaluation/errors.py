"""What can be wrong with an evaluation.

EvaluationError
└── GoldError    a line of the gold file is not of a known kind
"""

from __future__ import annotations


class EvaluationError(Exception):
    """An evaluation that cannot be done; the message says how to mend it."""

    code = "evaluation_failed"


class GoldError(EvaluationError):
    """A line of the gold file; never repeats its text."""

    code = "gold_invalid"
