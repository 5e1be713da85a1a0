"""One unit of work: claim it, read its reports, write what was found."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from extractor.errors import ExtractorError
from storage import reports, work
from storage.errors import DatabaseUnavailableError, FencedError
from storage.model import WorkKind
from storage.outcomes import Outcome
from workers.deadline import ReportTimeoutError, deadline
from workers.holder import holder
from workers.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from extractor.model import Report, Result
    from storage.database import Database
    from storage.model import Claim, QueuedReport
    from workers.settings import WorkerSettings

TIMEOUT, MEMORY, FAILED = "timeout", "memory", "extraction_failed"
"""Error codes of reports, besides those of ExtractorError and ``work.WORKER_LOST``."""
_FINISH_AGAIN_S = (0.2, 1, 5)
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

    ending: Ending
    read: int = 0
    failed: int = 0
    seconds: float = 0


def run_work(
    work_id: int, *, database: Database, reader: Reader, settings: WorkerSettings
) -> Summary:
    """Do one unit of work, if it is still to be had. Main thread only, for the deadline.

    Raises StorageError where the database is away; the unit comes back when its lease ends.
    """
    started = time.monotonic()
    with database.begin() as conn:
        claim = work.claim(conn, work_id, lease_s=settings.lease_s, holder=holder())
        is_step = claim is not None and claim.kind is not WorkKind.REPORTS
        queued = [] if claim is None or is_step else reports.load_texts(conn, work_id)
    if claim is None:
        return Summary(Ending.NOT_OURS)
    if is_step:
        from workers.run_step import run_step  # noqa: PLC0415 (only those who have an extractor)

        return run_step(claim, database=database, reader=reader, settings=settings)
    outcomes = read(queued, reader=reader, settings=settings)
    failed = sum(outcome.error_code is not None for outcome in outcomes)
    try:
        is_done = _finish(database, claim, outcomes)
    except FencedError:
        return Summary(Ending.FENCED, seconds=time.monotonic() - started)
    return Summary(
        ending=Ending.DONE if is_done else Ending.PUT_BACK,
        read=len(outcomes),
        failed=failed,
        seconds=time.monotonic() - started,
    )


def _finish(database: Database, claim: Claim, outcomes: list[Outcome]) -> bool:
    """Write the outcomes, with patience for a database that is just being restarted.

    Safe to repeat: where the first commit was done and only its answer lost, the lease is over.
    """
    for pause_s in _FINISH_AGAIN_S:
        try:
            with database.begin() as conn:
                return work.finish(conn, claim, outcomes)
        except DatabaseUnavailableError:
            time.sleep(pause_s)
    with database.begin() as conn:
        return work.finish(conn, claim, outcomes)


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
