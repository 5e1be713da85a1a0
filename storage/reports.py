"""Reports: accepting, reading, listing, deleting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, and_, insert, select, text, update, values
from sqlalchemy import column as sql_column
from sqlalchemy import delete as sql_delete

from storage import outcomes, tombstones, work
from storage.clock import now
from storage.errors import SealBrokenError
from storage.identity import LOCKS, Identity, encode_text, identify
from storage.ids import new_id
from storage.model import Accepted, ReportOrder, ReportPage, ReportState
from storage.report_filters import filtered
from storage.report_order import ordered, place_of
from storage.rows import (
    RESULT_COLUMNS,
    queued_report,
    report_values,
    select_report_ids,
    select_reports,
    stored_report,
)
from storage.sealing import sealer_of
from storage.tables import reports

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Column, Select
    from sqlalchemy.engine import Connection

    from storage.model import Lane, NewReport, QueuedReport, ReportFilters, StoredReport
    from storage.rows import AnyRow
    from storage.sealing import Sealer
    from storage.tombstones import Deletion

UNIT_SIZE = 100
"""Reports in a unit of work: a second or less of work, against a few milliseconds for bell and
transactions; what a crash wastes is small."""
MAX_PAGE = 1_000
_QUERY_SIZE = 400
"""Values in one IN (...): SQLite's limit on parameters is far, its planner's patience is not."""


def accept(conn: Connection, posted: Sequence[NewReport], *, lane: Lane) -> list[Accepted]:
    """Store the reports with the units of work that will read them; one answer each, in order.

    What is there already is found, not stored again (see :mod:`storage.identity`). The units
    count as rung: ring for each ``work_id`` once the transaction is committed. Raises
    InvalidReportError for metadata that cannot be stored, and TextKeyMissingError, as without all
    keys a report that is there would not be recognised; then nothing is.
    """
    identities = [identify(report) for report in posted]
    _lock_series(conn, identities)
    # Only now: whoever reseals holds the same locks, so these keys are those of what is stored.
    sealer = sealer_of(conn)
    sealer.check_keys(conn, [reports.name])
    found = _find(conn, identities, sealer)
    new: dict[Identity, NewReport] = {}
    for identity, report in zip(identities, posted, strict=True):
        if identity not in found:
            new.setdefault(identity, report)
    if not new:
        return [found[identity] for identity in identities]
    made = _insert(conn, new, sealer, lane=lane)
    answers, seen = [], set(found)
    for identity in identities:
        answer = found.get(identity) or made[identity]
        if identity in seen and answer.is_new:
            answer = _repeated(answer)
        seen.add(identity)
        answers.append(answer)
    return answers


def get(conn: Connection, id_: str, *, include_text: bool = False) -> StoredReport | None:
    """Return a report with its result, and with its text only where asked for."""
    extra = (*RESULT_COLUMNS, reports.c.text) if include_text else RESULT_COLUMNS
    row = conn.execute(select_reports(*extra).where(reports.c.id == id_)).one_or_none()
    if row is None:
        return None
    return stored_report(row, sealer_of(conn), with_result=True, with_text=include_text)


def state(conn: Connection, id_: str) -> ReportState | None:
    """Return a report's state alone: cheap enough to be asked often while a client waits."""
    found = conn.execute(select(reports.c.state).where(reports.c.id == id_)).scalar_one_or_none()
    return None if found is None else ReportState(found)


def list_page(
    conn: Connection,
    filters: ReportFilters,
    *,
    after: str | None = None,
    limit: int = 50,
    order: ReportOrder = ReportOrder.NEWEST,
) -> ReportPage:
    """Return up to ``limit`` reports (at most 1,000), those after the place ``after`` in an order.

    Without results and texts. Reports that arrive or go meanwhile shift nothing.
    """
    limit = max(1, min(limit, MAX_PAGE))
    # The ids first, from indexes alone: else every report that fits is read to find the first few.
    fitting = select_report_ids(with_results=filters.level is not None)
    ids = ordered(filtered(fitting, filters), order, after).limit(limit + 1)
    query = select_reports().where(reports.c.id.in_(conn.execute(ids).scalars().all()))
    rows = conn.execute(ordered(query, order, None)).all()
    sealer = sealer_of(conn)
    page = tuple(stored_report(row, sealer) for row in rows[:limit])
    return ReportPage(page, next_after=place_of(page[-1], order) if len(rows) > limit else None)


def delete(conn: Connection, id_: str, deletion: Deletion) -> bool:
    """Delete one report as :func:`delete_many` does; ``False`` where there is none."""
    return delete_many(conn, [id_], deletion) == 1


def delete_many(conn: Connection, ids: Sequence[str], deletion: Deletion) -> int:
    """Delete reports with texts, results and mentions; return how many there were.

    Each leaves a tombstone. A report still in the queue is never read then. The versions before
    and after it stay. For a few hundred at a time.
    """
    query = select(reports.c.source, reports.c.series).where(reports.c.id.in_(ids))
    _lock_series(conn, [Identity(row.source, row.series, "") for row in conn.execute(query)])
    return sum(_delete_one(conn, id_, deletion) for id_ in ids)


def _delete_one(conn: Connection, id_: str, deletion: Deletion) -> bool:
    after = select(reports.c.superseded_by).where(reports.c.id == id_)
    before = update(reports).where(reports.c.superseded_by == id_)
    conn.execute(before.values(superseded_by=conn.execute(after).scalar_one_or_none()))
    deleted = sql_delete(reports).where(reports.c.id == id_).returning(reports.c.accepted_at)
    row = conn.execute(deleted).one_or_none()
    if row is None:
        return False  # somebody else was first
    tombstones.put(conn, id_, row.accepted_at, deletion)
    return True


def load_texts(conn: Connection, work_id: int) -> list[QueuedReport]:
    """Return the reports of a unit that are still to be read, oldest first.

    One whose seal is broken fails here, and does not keep the others from being read.
    """
    query = (
        select(reports)
        .where(reports.c.work_id == work_id, reports.c.state == ReportState.QUEUED)
        .order_by(reports.c.id)
    )
    sealer = sealer_of(conn)
    queued: list[QueuedReport] = []
    broken: list[str] = []
    for row in conn.execute(query):
        try:
            queued.append(queued_report(row, sealer))
        except SealBrokenError:
            broken.append(row.id)
    if broken:
        outcomes.mark_final(conn, work_id, broken, error_code=SealBrokenError.code)
    return queued


def lock_all_series(conn: Connection) -> None:
    """Do as :func:`_lock_series` for every series there is."""
    _lock(conn, range(LOCKS))


def _lock_series(conn: Connection, identities: Iterable[Identity]) -> None:
    """Serialise changes of the same series until the end of the transaction.

    SQLite has one writer anyway. In PostgreSQL a few locks stand for all series; taken in
    ascending order they cannot deadlock.
    """
    _lock(conn, sorted({identity.lock for identity in identities}))


def _lock(conn: Connection, numbers: Iterable[int]) -> None:
    if conn.dialect.name == "sqlite":
        return
    for lock in numbers:
        conn.execute(
            text("SELECT pg_advisory_xact_lock(:space, :lock)"), {"space": 1, "lock": lock}
        )


def _find(
    conn: Connection, identities: Sequence[Identity], sealer: Sealer
) -> dict[Identity, Accepted]:
    """Return those that are stored already, by whichever key."""
    found: dict[Identity, Accepted] = {}
    forms = {
        (one.source, one.series, digest): one
        for one in identities
        for digest in sealer.digests(one.text_sha256)
    }
    wanted = list(forms)
    columns = (reports.c.source, reports.c.series, reports.c.text_sha256)
    for start in range(0, len(wanted), _QUERY_SIZE):
        query = select(
            *columns,
            reports.c.id,
            reports.c.report_id,
            reports.c.state,
            reports.c.work_id,
            reports.c.version,
        )
        query = _matching(query, columns, wanted[start : start + _QUERY_SIZE])
        for row in conn.execute(query):
            found[forms[row.source, row.series, row.text_sha256]] = _accepted(row)
    return found


def _matching(
    query: Select[Any], columns: Sequence[Column[Any]], rows: Sequence[tuple[str, ...]]
) -> Select[Any]:
    """Keep what has one of these ``rows`` in its columns.

    Joined, since SQLite reads the whole table for an ``IN`` with several rows.
    """
    table = values(*(sql_column(one.name, Text) for one in columns), name="wanted").data(rows)
    wanted = table.cte("wanted")
    return query.join(wanted, and_(*(one == wanted.c[one.name] for one in columns)))


def _accepted(row: AnyRow) -> Accepted:
    queued = row.state == ReportState.QUEUED
    return Accepted(
        id=row.id,
        report_id=row.report_id,
        state=ReportState(row.state),
        is_new=False,
        work_id=row.work_id if queued else None,
        version=row.version,
    )


def _repeated(answer: Accepted) -> Accepted:
    """Return the answer for a report that the same batch held before."""
    return Accepted(
        id=answer.id,
        report_id=answer.report_id,
        state=answer.state,
        is_new=False,
        work_id=answer.work_id,
        version=answer.version,
    )


def _insert(
    conn: Connection, new: Mapping[Identity, NewReport], sealer: Sealer, *, lane: Lane
) -> dict[Identity, Accepted]:
    """Store new reports and their units of work."""
    units = work.create_for_reports(conn, -(-len(new) // UNIT_SIZE), lane=lane)
    versions = _newest_versions(conn, new)
    made: dict[Identity, Accepted] = {}
    rows: list[dict[str, Any]] = []
    superseded: list[tuple[str, str]] = []
    for position, (identity, report) in enumerate(new.items()):
        id_, work_id = new_id("rep"), units[position // UNIT_SIZE]
        series = (identity.source, identity.series)
        before_id, before = versions.get(series, (None, 0))
        if before_id is not None:
            superseded.append((before_id, id_))
        if identity.has_versions:
            versions[series] = (id_, before + 1)
        row = report_values(report, identity)
        row |= sealer.seal_text(id_, encode_text(report.text))
        rows.append(row | {"id": id_, "work_id": work_id, "version": before + 1})
        made[identity] = Accepted(
            id=id_,
            report_id=report.report_id,
            state=ReportState.QUEUED,
            is_new=True,
            work_id=work_id,
            version=before + 1,
        )
    accepted_at = conn.execute(select(now())).scalar_one()
    fixed = {"state": ReportState.QUEUED, "accepted_at": accepted_at}
    conn.execute(insert(reports), [row | fixed for row in rows])
    for before_id, id_ in superseded:
        conn.execute(update(reports).where(reports.c.id == before_id).values(superseded_by=id_))
    return made


def _newest_versions(
    conn: Connection, new: Iterable[Identity]
) -> dict[tuple[str, str], tuple[str | None, int]]:
    """Return the id and the number of the newest version in each series that has one.

    The number is the highest ever given in what is left, so that it never repeats beside it.
    """
    wanted = list({(i.source, i.series) for i in new if i.has_versions})
    newest: dict[tuple[str, str], tuple[str | None, int]] = {}
    for start in range(0, len(wanted), _QUERY_SIZE):
        query = select(reports.c.source, reports.c.series, reports.c.id, reports.c.version)
        query = query.where(reports.c.superseded_by.is_(None)).order_by(reports.c.version)
        columns = (reports.c.source, reports.c.series)
        query = _matching(query, columns, wanted[start : start + _QUERY_SIZE])
        for row in conn.execute(query):
            newest[row.source, row.series] = (row.id, row.version)
    return newest
