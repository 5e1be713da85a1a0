"""Which reports a list shows, as conditions of its query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from storage.tables import mentions, reports, results

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

    from storage.model import ReportFilters


def filtered(
    query: Select[Any], filters: ReportFilters, *, report: ColumnElement[str] = reports.c.id
) -> Select[Any]:
    """Return a query over reports and their results that keeps what the filters name.

    ``report`` is the column that holds the report's id, where the query is over results alone.
    """
    equal = {
        reports.c.state: filters.state,
        reports.c.source: filters.source,
        results.c.level: filters.level,
    }
    for column, value in equal.items():
        if value is not None:
            query = query.where(column == value)
    if filters.study_date_from is not None:
        query = query.where(reports.c.study_date >= filters.study_date_from)
    if filters.study_date_to is not None:
        query = query.where(reports.c.study_date <= filters.study_date_to)
    if filters.latest_only:
        query = query.where(reports.c.superseded_by.is_(None))
    if filters.finding is None and filters.status is None and filters.site is None:
        return query
    mention = select(mentions.c.report).where(mentions.c.report == report)
    if filters.finding is not None:
        mention = mention.where(mentions.c.finding == filters.finding)
    if filters.status is not None:
        mention = mention.where(mentions.c.status == filters.status)
    if filters.site is not None:
        mention = mention.where(mentions.c.sites.contains(f"|{filters.site}|", autoescape=True))
    return query.where(mention.exists())
