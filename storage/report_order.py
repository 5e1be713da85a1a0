"""The orders of lists of reports, and places in them that no report shifts by coming or going."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_

from storage.identity import parse_date
from storage.model import ReportOrder
from storage.tables import reports

if TYPE_CHECKING:
    from sqlalchemy import Select

    from storage.model import StoredReport

_BY_STUDY = frozenset({ReportOrder.STUDY_NEWEST, ReportOrder.STUDY_OLDEST})
_DESCENDING = frozenset({ReportOrder.NEWEST, ReportOrder.STUDY_NEWEST})


def ordered(query: Select[Any], order: ReportOrder, after: str | None) -> Select[Any]:
    """Return the query in an order, from behind the place ``after``.

    In the orders by the study's date reports without one are left out: NULL has no place that
    both databases agree on.
    """
    is_descending = order in _DESCENDING
    columns = [reports.c.study_date, reports.c.id] if order in _BY_STUDY else [reports.c.id]
    if order in _BY_STUDY:
        query = query.where(reports.c.study_date.is_not(None))
    if after is not None:
        query = query.where(_behind(order, after))
    return query.order_by(*(one.desc() if is_descending else one.asc() for one in columns))


def place_of(report: StoredReport, order: ReportOrder) -> str:
    """Return the place of a report, to go on behind it."""
    return f"{report.study.date} {report.id}" if order in _BY_STUDY else report.id


def _behind(order: ReportOrder, after: str) -> Any:
    by_date, _, id_ = after.rpartition(" ")
    is_behind = reports.c.id < id_ if order in _DESCENDING else reports.c.id > id_
    if order not in _BY_STUDY:
        return is_behind
    date = parse_date(by_date)
    other = reports.c.study_date < date if order in _DESCENDING else reports.c.study_date > date
    # The first condition is what an index on the date can begin at.
    first = reports.c.study_date <= date if order in _DESCENDING else reports.c.study_date >= date
    return and_(first, or_(other, is_behind))
