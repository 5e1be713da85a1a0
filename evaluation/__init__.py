"""How well the extractor reads: gold files in, precision, recall, F1 and the errors out."""

from evaluation.errors import EvaluationError, GoldError
from evaluation.evaluate import Evaluation, evaluate
from evaluation.gold import GoldReport, GoldSpan, read_gold

__all__ = [
    "Evaluation",
    "EvaluationError",
    "GoldError",
    "GoldReport",
    "GoldSpan",
    "evaluate",
    "read_gold",
]
