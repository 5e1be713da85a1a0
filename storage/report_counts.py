"""How many reports a list has, by level and by state, for the numbers beside its filters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from storage.report_filters import filtered
from storage.tables import reports, results

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Join
    from sqlalchemy.engine import Connection

    from storage.model import ReportFilters


def count_by_level(conn: Connection, filters: ReportFilters) -> Mapping[str, int]:
    """Return how many reports each level would leave, the other filters being as they are."""
    others = replace(filters, level=None)
    query = filtered(select(results.c.level, func.count()).select_from(_with_reports()), others)
    return {level: number for level, number in conn.execute(query.group_by(results.c.level))}  # noqa: C416 - rows are no pairs for the type checker


def count_by_state(conn: Connection, filters: ReportFilters) -> Mapping[str, int]:
    """Return how many reports each state would leave, the other filters being as they are."""
    others = replace(filters, state=None)
    joined = reports if others.level is None else _with_reports()
    query = filtered(select(reports.c.state, func.count()).select_from(joined), others)
    return {state: number for state, number in conn.execute(query.group_by(reports.c.state))}  # noqa: C416 - as above


def _with_reports() -> Join:
    return results.join(reports, reports.c.id == results.c.report)
