"""Units of work: claim one, read its reports, write what was found.

Reports that came alone, each a unit of its own, are taken together as long as several wait: the
transactions and commits of one cost several times what reading it does.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from extractor.errors import ExtractorError
from storage import reports, work
from storage.errors import DatabaseUnavailableError, FencedError
from storage.model import Lane, WorkKind
from storage.outcomes import Outcome
from workers.deadline import ReportTimeoutError, deadline
from workers.holder import holder
from workers.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy.engine import Connection

    from extractor.model import Report, Result
    from storage.database import Database
    from storage.model import Claim, QueuedReport
    from workers.settings import WorkerSettings

TIMEOUT, MEMORY, FAILED = "timeout", "memory", "extraction_failed"
"""Error codes of reports, besides those of ExtractorError and ``work.WORKER_LOST``."""
_FINISH_AGAIN_S = (0.2, 1, 5)
_TOGETHER = 16
"""Units of reports that came alone: the first waits for the last, a few hundredths of a second."""
log = get_logger(__name__)


class Reader(Protocol):
    """What reads reports: the Extractor."""

    def extract(self, report: Report) -> Result:
        """Return what the report says, or raise ExtractorError."""
        ...


class Ending(StrEnum):
    """How a unit ended for this worker."""

    DONE = "done"
    PUT_BACK = "put_back"
    """The time was up, or a step went wrong; what is left waits for the next turn."""
    NOT_OURS = "not_ours"
    """Somebody else has it, or had it: most bells that come twice end so."""
    FENCED = "fenced"
    """The lease was lost meanwhile; nothing was written."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a worker did with a unit."""

    work_id: int
    ending: Ending
    read: int = 0
    failed: int = 0
    seconds: float = 0


@dataclass(slots=True)
class _Unit:
    """A unit that is ours, and what became of its reports so far."""

    claim: Claim
    queued: list[QueuedReport]
    outcomes: list[Outcome] = field(default_factory=list)


def run_work(
    work_id: int, *, database: Database, reader: Reader, settings: WorkerSettings
) -> list[Summary]:
    """Do a unit of work, if it is still to be had, and further ones like it that wait.

    Return what became of each, the asked one first. Main thread only, for the deadline. Raises
    StorageError where the database is away; the units come back when their lease ends.
    """
    started = time.monotonic()
    with database.read() as conn:
        # Most bells of units that were taken with others end here, without a writing transaction.
        if not work.is_pending(conn, work_id):
            return [Summary(work_id, Ending.NOT_OURS)]
    with database.begin() as conn:
        claim = work.claim(conn, work_id, lease_s=settings.lease_s, holder=holder())
        is_step = claim is not None and claim.kind is not WorkKind.REPORTS
        units = [] if claim is None or is_step else _take(conn, claim, lease_s=settings.lease_s)
    if claim is None:
        return [Summary(work_id, Ending.NOT_OURS)]
    if is_step:
        from workers.run_step import run_step  # noqa: PLC0415 (only those who have an extractor)

        return [run_step(claim, database=database, reader=reader, settings=settings)]
    _read_all(units, reader=reader, settings=settings)
    return [_summary(unit, ending, started) for unit, ending in _finish_all(database, units)]


def _take(conn: Connection, claim: Claim, *, lease_s: float) -> list[_Unit]:
    """Return the unit with its reports, and others with it where it came alone and untried."""
    claims = [claim]
    if claim.lane is Lane.INTERACTIVE and claim.attempts == 1:
        claims += work.claim_more(conn, claim, most=_TOGETHER - 1, lease_s=lease_s, holder=holder())
    return [_Unit(one, reports.load_texts(conn, one.work_id)) for one in claims]


def _read_all(units: Sequence[_Unit], *, reader: Reader, settings: WorkerSettings) -> None:
    """Read the reports of all units in turn, in the time of one unit."""
    queued = [report for unit in units for report in unit.queued]
    outcomes = iter(read(queued, reader=reader, settings=settings))
    for unit in units:
        unit.outcomes = list(islice(outcomes, len(unit.queued)))


def _finish_all(database: Database, units: Sequence[_Unit]) -> Iterator[tuple[_Unit, Ending]]:
    """Write all outcomes in one transaction; one by one where a lease among them was lost."""
    try:
        endings = _finish(database, units)
    except FencedError:
        if len(units) == 1:
            yield units[0], Ending.FENCED
            return
        for unit in units:
            yield from _finish_all(database, [unit])
        return
    yield from zip(units, endings, strict=True)


def _finish(database: Database, units: Sequence[_Unit]) -> list[Ending]:
    """Write the outcomes, with patience for a database that is just being restarted.

    Safe to repeat: where the first commit was done and only its answer lost, the lease is over.
    """
    for pause_s in _FINISH_AGAIN_S:
        try:
            return _finish_once(database, units)
        except DatabaseUnavailableError:
            time.sleep(pause_s)
    return _finish_once(database, units)


def _finish_once(database: Database, units: Sequence[_Unit]) -> list[Ending]:
    with database.begin() as conn:
        return [
            Ending.DONE if work.finish(conn, unit.claim, unit.outcomes) else Ending.PUT_BACK
            for unit in units
        ]


def _summary(unit: _Unit, ending: Ending, started: float) -> Summary:
    written = [] if ending is Ending.FENCED else unit.outcomes
    return Summary(
        work_id=unit.claim.work_id,
        ending=ending,
        read=len(written),
        failed=sum(outcome.error_code is not None for outcome in written),
        seconds=time.monotonic() - started,
    )


def read(
    queued: Iterable[QueuedReport], *, reader: Reader, settings: WorkerSettings
) -> list[Outcome]:
    """Read reports until the unit's time is up; at least one."""
    end = time.monotonic() + settings.unit_timeout_s
    outcomes: list[Outcome] = []
    for report in queued:
        if outcomes and time.monotonic() > end:
            break
        outcomes.append(_read_one(report, reader=reader, timeout_s=settings.report_timeout_s))
    return outcomes


def _read_one(queued: QueuedReport, *, reader: Reader, timeout_s: float) -> Outcome:
    """Read one report; whatever it does to us is its own outcome, and the next one is read."""
    try:
        with deadline(timeout_s):
            result = reader.extract(queued.report)
        return Outcome.done(queued.id, result)
    except ReportTimeoutError:
        code = TIMEOUT
    except ExtractorError as error:
        code = error.code
    except MemoryError:
        code = MEMORY
    except Exception:  # an edge: one report must not stop the others
        # The message may quote the report: type and frames only.
        log.exception("report_failed", report=queued.id)
        code = FAILED
    return Outcome.failed(queued.id, code)
