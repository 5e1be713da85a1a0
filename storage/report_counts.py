"""How many reports a list has, by level and by state, for the numbers beside its filters.

Counted anew for each page, so each count is taken from indexes alone: a report has a result, and in it a
level and mentions, exactly where it is done, and what filters no column of reports is counted without them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from storage.model import ReportState
from storage.report_filters import filtered
from storage.tables import reports, results

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

    from storage.model import ReportFilters


@dataclass(frozen=True, slots=True)
class ReportCounts:
    """What each level and each state would leave, the other filters being as they are."""

    levels: Mapping[str, int]
    states: Mapping[str, int]
    total: int
    """What all filters together leave."""


def count(conn: Connection, filters: ReportFilters) -> ReportCounts:
    """Return how many reports the filters leave, and the numbers beside them."""
    levels = _by_level(conn, replace(filters, level=None, state=None))
    done = sum(levels.values()) if filters.level is None else levels.get(filters.level, 0)
    if filters.needs_result:
        states = {ReportState.DONE.value: done} if done else {}
    else:
        states = _by_state(conn, replace(filters, state=None))
    if filters.state not in {None, ReportState.DONE}:
        levels = {}
    total = sum(states.values()) if filters.state is None else states.get(filters.state, 0)
    return ReportCounts(levels, states, total)


def _by_level(conn: Connection, filters: ReportFilters) -> dict[str, int]:
    query = select(results.c.level, func.count())
    if filters.names_reports:
        query = query.select_from(results.join(reports, reports.c.id == results.c.report))
    query = filtered(query, filters, report=results.c.report)
    return {row[0]: row[1] for row in conn.execute(query.group_by(results.c.level))}


def _by_state(conn: Connection, filters: ReportFilters) -> dict[str, int]:
    query = filtered(select(reports.c.state, func.count()).select_from(reports), filters)
    return {row[0]: row[1] for row in conn.execute(query.group_by(reports.c.state))}
