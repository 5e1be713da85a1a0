"""What was found, without the words of the report: for who may not read text.

Places stay (they count characters and say nothing), quotes and headings become empty. In rows of
cases the columns that hold quotes are left out as a whole: a quote may hold whatever divides them.
"""

from __future__ import annotations

from typing import Any

_WORDS = frozenset({"quote", "title"})
_QUOTING_COLUMNS = frozenset({"named", "core", "minor", "hard", "soft"})


def without_words(result: Any) -> Any:
    """Return a result, or a part of one, with each quote and heading empty."""
    if isinstance(result, dict):
        return {
            name: "" if name in _WORDS else without_words(value) for name, value in result.items()
        }
    if isinstance(result, list):
        return [without_words(one) for one in result]
    return result


def case_without_words(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of cases without what quotes the report."""
    return {name: None if name in _QUOTING_COLUMNS else value for name, value in row.items()}
