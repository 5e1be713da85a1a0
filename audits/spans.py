"""Lengths of time between dates, in days and in months of the calendar."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extractor.knowledge.course import CourseRule, Span

_DAYS = {"day": 1, "week": 7}
_MONTHS_A_YEAR = 12


def shifted(day: date, span: Span, *, back: bool = False) -> date:
    """Return the day so much later, or earlier; a month later than the 31st may be the last day."""
    number = -span.number if back else span.number
    if span.unit in _DAYS:
        return day + timedelta(days=number * _DAYS[span.unit])
    years, month = divmod(day.month - 1 + number, _MONTHS_A_YEAR)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def is_near(day: date, onset: date, within: Span) -> bool:
    """Whether a day is within a span before or after another."""
    return shifted(onset, within, back=True) <= day <= shifted(onset, within)


def fits(rule: CourseRule, first: date, then: date) -> bool:
    """Whether the second day is later, by as much as the rule says."""
    return (
        first < then
        and (rule.at_least is None or then >= shifted(first, rule.at_least))
        and (rule.at_most is None or then <= shifted(first, rule.at_most))
        and (rule.more_than is None or then > shifted(first, rule.more_than))
    )
