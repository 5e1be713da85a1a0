"""One step of an audit: its plan, a shard, its summary; the same functions as ``marrow audit``.

A step works in a folder of its own, puts what it made into the store of files under a name of its
own, and names it in the transaction that ends its claim. Whoever lost his lease has left nothing
that counts, and takes away what he put.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from archives import ArchiveError, Mapping
from audits.layout import Layout
from audits.model import AuditArguments, Focus
from audits.run import plan_step
from extractor import Extractor
from storage import audits, steps, uploads
from storage.audit_model import PlanCounts
from storage.errors import FencedError, SourceError, UploadDamagedError
from storage.files import AUDITS, open_files
from storage.gathering import gather
from storage.model import WorkKind
from storage.sources import resolve_source
from storage.work import MAX_STEP_ATTEMPTS
from workers.lease import KeptLease
from workers.logs import get_logger
from workers.run_work import Ending, Summary
from workers.scratch import scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from storage.audit_model import StoredAudit
    from storage.database import Database
    from storage.files import Files
    from storage.model import Claim
    from workers.run_work import Reader
    from workers.settings import WorkerSettings

ENGINE_CHANGED = "engine_changed"
"""The error code of an audit whose engine or patterns no worker has any more."""
STEP_FAILED = "step_failed"
"""The error code of an audit with a step that went wrong again and again."""
_SAY_EVERY_S = 1.0
log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Step:
    """A claimed step and what it works with."""

    audit: StoredAudit
    lease: KeptLease
    files: Files
    layout: Layout
    extractor: Extractor
    settings: WorkerSettings

    @property
    def claim(self) -> Claim:
        return self.lease.claim

    @property
    def database(self) -> Database:
        return self.lease.database

    def own_name(self, name: str) -> str:
        """Return a name in the store that no other attempt has."""
        return f"{AUDITS}/{self.audit.id}/{name}-{self.claim.token}"


class _StepFailedError(Exception):
    """The step went wrong and waits for another try."""


class _EngineChangedError(Exception):
    """This worker's engine or patterns are not those that the audit was planned with."""


def run_step(
    claim: Claim, *, database: Database, reader: Reader, settings: WorkerSettings
) -> Summary:
    """Do one step of an audit. Main thread only, for the deadline of each report."""
    started = time.monotonic()
    ending, failed = Ending.DONE, 0
    try:
        failed = _guarded(claim, database=database, reader=reader, settings=settings)
    except FencedError:
        ending = Ending.FENCED
    except _StepFailedError:
        ending = Ending.PUT_BACK
    seconds = time.monotonic() - started
    return Summary(claim.work_id, ending, failed=failed, seconds=seconds)


def _guarded(claim: Claim, *, database: Database, reader: Reader, settings: WorkerSettings) -> int:
    """Do a step; what goes wrong ends the audit, or is tried again where that may help."""
    try:
        if not isinstance(reader, Extractor):
            raise TypeError(type(reader))  # noqa: TRY301 (as any fault of this worker's set-up)
        return _run(claim, database=database, extractor=reader, settings=settings)
    except FencedError:
        raise
    except (ArchiveError, SourceError, UploadDamagedError) as error:
        code = error.code
    except _EngineChangedError:
        code = ENGINE_CHANGED if claim.attempts >= MAX_STEP_ATTEMPTS else ""
    except Exception:  # an edge: the next worker may have a disk that is not full
        log.exception("step_failed", work=claim.work_id, attempts=claim.attempts)
        code = STEP_FAILED if claim.attempts >= MAX_STEP_ATTEMPTS else ""
    with database.begin() as conn:
        if code:
            steps.fail(conn, claim, code)
            return 0
        steps.put_back(conn, claim)
    raise _StepFailedError


def _run(
    claim: Claim, *, database: Database, extractor: Extractor, settings: WorkerSettings
) -> int:
    with database.read() as conn:
        audit = audits.get(conn, claim.audit or "")
    if audit is None:
        raise FencedError(claim.work_id)
    files = open_files(settings)
    with (
        scratch(files.scratch, claim) as folder,
        KeptLease(database, claim, lease_s=settings.lease_s) as lease,
    ):
        step = _Step(audit, lease, files, Layout(folder / "out"), extractor, settings)
        return _STEPS[claim.kind](step)


def _plan(step: _Step) -> int:
    """Read the archive and cut it into shards."""
    with step.database.begin() as conn:
        steps.begin_plan(conn, step.claim)
    arguments = AuditArguments(
        archives=(_archive(step),),
        out=step.layout.out,
        focus=Focus(step.audit.arguments["focus"]),
        mapping=Mapping.parse(
            step.audit.arguments["map"], day_first=step.audit.arguments["day_first"]
        ),
        report_timeout_s=step.settings.report_timeout_s,
        since=_day(step.audit.arguments.get("since")),
        until=_day(step.audit.arguments.get("until")),
    )
    plan = plan_step(arguments, step.layout, step.extractor, _RowsNoted(step))
    step.lease.check()
    files = step.own_name("plan")
    step.files.put(step.layout.work, files)
    counts = PlanCounts(
        rows_read=plan.rows_read,
        refused=plan.refused,
        duplicates=plan.duplicates,
        superseded=plan.superseded,
        planned=plan.planned,
        passed_over=plan.passed_over,
        undesired=plan.undesired,
    )
    with _taken_back(step, files), step.database.begin() as conn:
        steps.finish_plan(
            conn,
            step.claim,
            counts,
            shards=[(shard.number, shard.reports) for shard in plan.shards],
            identity=plan.identity,
            files=files,
        )
    return 0


def _archive(step: _Step) -> Path:
    """Return where the archive can be read, under its own name."""
    if step.audit.source is not None:
        return resolve_source(step.audit.source, step.settings.source_roots)
    path = step.layout.out.with_name("input") / step.audit.name
    with step.database.read() as conn:
        upload = uploads.of_audit(conn, step.audit.id)
    if upload is None:
        step.files.fetch(step.audit.upload or "", path)
    else:
        pieces, sha256 = upload
        gather(step.files, pieces, path, sha256=sha256)
    return path


def _day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)


class _RowsNoted:
    """Notes how many rows were read, now and then."""

    def __init__(self, step: _Step) -> None:
        self._step = step
        self._said = 0.0

    def __call__(self, rows: int) -> None:
        """Hear of so many rows; raises FencedError where the audit is no longer ours."""
        self._step.lease.check()
        if time.monotonic() - self._said < _SAY_EVERY_S:
            return
        self._said = time.monotonic()
        with self._step.database.begin() as conn:
            steps.note_rows(conn, self._step.claim, rows, lease_s=self._step.settings.lease_s)


def _shard(step: _Step) -> int:
    """Read the reports of one shard."""
    from audits.shard import run_shard  # noqa: PLC0415 (polars starts threads: after the fork)

    identity = _same_engine(step)
    with step.database.begin() as conn:
        shard = steps.begin_shard(conn, step.claim)
    name = f"{step.audit.plan_files}/shards/{step.layout.shard(shard.number).name}"
    step.files.fetch(name, step.layout.shard(shard.number))
    focused = identity["focus"] == Focus.HIP
    counts = run_shard(
        step.layout,
        shard.number,
        step.extractor.extract_focused if focused else step.extractor.extract,
        report_timeout_s=identity["report_timeout_s"],
        skip=shard.skip,
        on_report=lambda row: _begin_row(step, row),
    )
    step.lease.check()
    files = step.own_name(f"results/{shard.number:06d}")
    step.files.put(step.layout.result(shard.number), files)
    with _taken_back(step, files), step.database.begin() as conn:
        steps.finish_shard(conn, step.claim, failed=counts.failed, cases=counts.cases, files=files)
    return counts.failed


def _begin_row(step: _Step, row: int) -> None:
    step.lease.check()
    if step.claim.attempts < steps.CAREFUL_ATTEMPTS:
        return
    with step.database.begin() as conn:
        steps.note_row(conn, step.claim, row, lease_s=step.settings.lease_s)


def _same_engine(step: _Step) -> Any:
    """Return what the audit was planned with; results of two engines are never mixed."""
    identity = step.audit.identity
    if identity is None or identity["engine"] != asdict(step.extractor.engine):
        raise _EngineChangedError
    return identity


def _summary(step: _Step) -> int:
    """Link the results of all shards and write the output files."""
    from audits.steps import finish  # noqa: PLC0415 (polars starts threads: after the fork)

    _same_engine(step)
    _fetch_all(step)
    run = {
        "started_at": _seconds(step.audit.started_at),
        "finished_at": _seconds(datetime.now(UTC)),
    }
    summary = finish(step.layout, run)
    step.lease.check()
    output = step.layout.out.with_name("output")
    output.mkdir()
    for path in step.layout.out.iterdir():
        if path.is_file():
            path.rename(output / path.name)
    files = step.own_name("output")
    step.files.put(output, files)
    with _taken_back(step, files), step.database.begin() as conn:
        steps.finish_summary(conn, step.claim, files=files, summary=summary)
    return 0


def _fetch_all(step: _Step) -> None:
    plan_files, layout = step.audit.plan_files, step.layout
    needed = [layout.plan, layout.refusals]
    if step.audit.counts is not None and step.audit.counts.passed_over:
        needed.append(layout.passed(0).parent)
    for path in needed:
        step.files.fetch(f"{plan_files}/{path.name}", path)
    with step.database.read() as conn:
        results = steps.shard_files(conn, step.audit.id)
    for number, files in results.items():
        step.files.fetch(files, layout.result(number))


def _seconds(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


@contextmanager
def _taken_back(step: _Step, files: str) -> Iterator[None]:
    """Remove what was put into the store where it turns out not to count."""
    try:
        yield
    except FencedError:
        step.files.remove(files)
        raise


_STEPS: dict[WorkKind, Callable[[_Step], int]] = {
    WorkKind.PLAN: _plan,
    WorkKind.SHARD: _shard,
    WorkKind.SUMMARY: _summary,
}
"""What each kind of step does; they return how many reports failed."""
