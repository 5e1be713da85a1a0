"""What became of the reports: the five promises, counted by one function.

The database itself notes each change of a report's state and each result, by triggers that the
suite adds to its tables: a second ending is seen even where a later one covers it up.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from storage import work
from storage.errors import DatabaseUnavailableError
from storage.model import ReportState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from sqlalchemy.engine import Connection

    from storage.database import Database
    from storage.model import Reconciliation

SETTLE_S = 90
"""In which all must be done once the fault is over. The longest lease of the suite is 8 s; a
machine that has much else to do needs the rest."""
_NOTED = "CREATE TABLE chaos_noted (report TEXT NOT NULL, what TEXT NOT NULL)"
_SQLITE = (
    """CREATE TRIGGER chaos_state AFTER UPDATE OF state ON reports WHEN OLD.state <> NEW.state
    BEGIN INSERT INTO chaos_noted VALUES (NEW.id, NEW.state); END""",
    """CREATE TRIGGER chaos_result AFTER INSERT ON results
    BEGIN INSERT INTO chaos_noted VALUES (NEW.report, 'result'); END""",
)
_POSTGRESQL = (
    """CREATE FUNCTION chaos_note_state() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO chaos_noted VALUES (NEW.id, NEW.state); RETURN NEW; END $$""",
    """CREATE FUNCTION chaos_note_result() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO chaos_noted VALUES (NEW.report, 'result'); RETURN NEW; END $$""",
    """CREATE TRIGGER chaos_state AFTER UPDATE OF state ON reports FOR EACH ROW
    WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION chaos_note_state()""",
    """CREATE TRIGGER chaos_result AFTER INSERT ON results FOR EACH ROW
    EXECUTE FUNCTION chaos_note_result()""",
)


@dataclass(frozen=True, slots=True)
class Tally:
    """The figures of one scenario."""

    posted: int
    lost: int
    """Accepted, and without a final state in time."""
    double: int
    """With two rows, two endings or two results."""
    failed: int
    """Marked failed, as they should be: poison."""
    equal: int
    """With the ending that the run without faults has: the same result, or the error expected."""
    balanced: bool
    settled_s: float
    """From the end of the fault until everything was done."""

    @property
    def is_whole(self) -> bool:
        """Whether all promises were kept."""
        return (self.lost, self.double, self.posted - self.equal) == (0, 0, 0) and self.balanced

    def row(self) -> dict[str, object]:
        """Return the members, for the table."""
        return asdict(self)


def watch(database: Database) -> None:
    """Let the database note what becomes of its reports."""
    with database.begin() as conn:
        for statement in (_NOTED, *(_SQLITE if database.is_sqlite else _POSTGRESQL)):
            conn.execute(text(statement))


def settle(
    database: Database,
    accepted: Collection[str],
    *,
    within_s: float = SETTLE_S,
    meanwhile: Callable[[], object] = bool,
) -> float:
    """Wait until none of the accepted reports waits any more; return the seconds it took.

    ``meanwhile`` is called again and again. Time that runs out is no error here: :func:`take` counts who is missing.
    """
    started = time.monotonic()
    while time.monotonic() - started < within_s and not _all_final(database, accepted):
        meanwhile()
        time.sleep(0.05)
    return time.monotonic() - started


def take(
    database: Database,
    accepted: Mapping[str, str],
    expected: Mapping[str, str],
    *,
    settled_s: float,
) -> Tally:
    """Count; ``expected`` has the digest of the result, or the error code, by the client's id."""
    with database.read() as conn:
        found = _endings(conn)
        noted = _noted(conn)
        sums = work.reconcile(conn)
    final = {id_ for id_, (_, ending) in found.items() if ending is not None}
    ended = {report_id: found[id_][1] for report_id, id_ in accepted.items() if id_ in found}
    rows = Counter(report_id for report_id, _ in found.values())
    double = {report_id for report_id, count in rows.items() if count > 1}
    double |= {found[id_][0] for id_, whats in noted.items() if id_ in found and _is_double(whats)}
    return Tally(
        posted=len(accepted),
        lost=len(set(accepted.values()) - final),
        double=len(double),
        failed=sum(ending is not None and ":" not in ending for ending in ended.values()),
        equal=sum(ending == expected[report_id] for report_id, ending in ended.items()),
        balanced=_balances(sums, len(accepted)),
        settled_s=round(settled_s, 1),
    )


def endings(database: Database) -> dict[str, str]:
    """Return how each report ended, by the client's id: ``sha256:...`` or an error code."""
    with database.read() as conn:
        return {name: ending or "" for name, ending in _endings(conn).values()}


def _all_final(database: Database, accepted: Collection[str]) -> bool:
    query = text("SELECT COUNT(*) FROM reports WHERE state <> 'queued'")
    try:
        with database.read() as conn:
            return bool(conn.execute(query).scalar_one() >= len(accepted))
    except DatabaseUnavailableError:
        return False


def _endings(conn: Connection) -> dict[str, tuple[str, str | None]]:
    query = text(
        "SELECT r.id, r.report_id, r.state, r.error_code, s.digest "
        "FROM reports r LEFT JOIN results s ON s.report = r.id"
    )
    found: dict[str, tuple[str, str | None]] = {}
    for id_, report_id, state, error_code, digest in conn.execute(query):
        ending = None
        if state == ReportState.DONE and digest is not None:
            ending = f"sha256:{digest}"
        elif state == ReportState.FAILED:
            ending = error_code
        found[id_] = (report_id, ending)
    return found


def _noted(conn: Connection) -> dict[str, list[str]]:
    noted: dict[str, list[str]] = {}
    for id_, what in conn.execute(text("SELECT report, what FROM chaos_noted")):
        noted.setdefault(id_, []).append(what)
    return noted


def _is_double(whats: list[str]) -> bool:
    results = whats.count("result")
    return results > 1 or len(whats) - results > 1


def _balances(sums: Reconciliation, accepted: int) -> bool:
    """Return whether the sum holds; it counts rows that nobody was told of, too."""
    return (
        sums.balanced
        and sums.accepted == accepted
        and (sums.open, sums.cancelled, sums.deleted) == (0, 0, 0)
    )
