"""Run a whole audit on this machine: plan, shards over processes, finish; resumable at any point."""

from __future__ import annotations

import fcntl
import gc
import json
import shutil
from collections import deque
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from audits.errors import AuditChangedError, OutputInUseError
from audits.layout import Layout
from audits.model import Focus
from audits.plan_file import list_inputs, load_plan
from audits.processes import run_step
from audits.workers import ShardRunner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from audits.model import AuditArguments, Plan, ShardCounts
    from extractor import Extractor


class Watcher(Protocol):
    """Hears how far an audit is; every call comes from the process that called ``run_audit``."""

    def planning(self, rows: int) -> None:
        """So many rows have been read."""

    def planned(self, plan: Plan, done: int) -> None:
        """The plan stands; ``done`` reports were finished by an earlier run."""

    def extracted(self, counts: ShardCounts) -> None:
        """A shard is committed."""

    def finishing(self) -> None:
        """The results are being written."""


@dataclass(frozen=True, slots=True)
class AuditOutcome:
    """What an audit came to."""

    layout: Layout
    summary: dict[str, Any]
    was_finished: bool
    """True when the directory held the finished audit already and nothing was done."""


def run_audit(arguments: AuditArguments, extractor: Extractor, watcher: Watcher) -> AuditOutcome:
    """Run or resume an audit.

    Forks: call it from a process that has started no threads and has not imported polars.

    Raises:
        ArchiveError: the archive cannot be read at all.
        AuditError: the output directory is in use, holds another audit, or processes die.

    """
    layout = Layout(arguments.out)
    identity = {**arguments.identity(), "engine": asdict(extractor.engine)}
    layout.out.mkdir(parents=True, exist_ok=True)
    started = datetime.now(UTC)
    # What is loaded now stays, shared by all processes: the collector must not write to it.
    gc.collect()
    gc.freeze()
    with _locked(layout):
        finished = _finished(layout, arguments, identity)
        if finished is not None:
            return AuditOutcome(layout, finished, was_finished=True)
        plan = _planned(layout, arguments, identity, extractor=extractor, watcher=watcher)
        _extract(plan, layout, arguments, extractor=extractor, watcher=watcher)
        watcher.finishing()
        run = {
            "started_at": started.isoformat(timespec="seconds"),
            "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "workers": arguments.workers,
            "resumed": arguments.resume,
        }
        summary = run_step(lambda _tell: _finish(layout, run), on_progress=lambda _value: None)
        shutil.rmtree(layout.work)
    layout.lock.unlink(missing_ok=True)
    return AuditOutcome(layout, summary, was_finished=False)


@contextmanager
def _locked(layout: Layout) -> Iterator[None]:
    """Hold the output directory; the lock ends with this process, however it ends."""
    with layout.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OutputInUseError(
                f"Another audit is writing to {layout.out}; wait for it or choose another directory."
            ) from None
        yield


def _finished(
    layout: Layout, arguments: AuditArguments, identity: dict[str, Any]
) -> dict[str, Any] | None:
    """Return the summary of a finished audit that is asked for again."""
    if not layout.metadata.exists():
        return None
    if not arguments.resume:
        raise OutputInUseError(
            f"{layout.out} holds a finished audit; choose another directory with -o."
        )
    metadata = json.loads(layout.metadata.read_text(encoding="utf-8"))
    before = {**metadata["arguments"], "engine": metadata["engine"]}
    _compare(before, identity, layout)
    shutil.rmtree(layout.work, ignore_errors=True)
    layout.lock.unlink(missing_ok=True)
    summary: dict[str, Any] = json.loads((layout.out / "summary.json").read_text(encoding="utf-8"))
    return summary


def _planned(
    layout: Layout,
    arguments: AuditArguments,
    identity: dict[str, Any],
    *,
    extractor: Extractor,
    watcher: Watcher,
) -> Plan:
    """Return the plan of the audit that is resumed, or make one."""
    plan = load_plan(layout)
    if plan is None:
        others = [
            item.name for item in layout.out.iterdir() if item not in {layout.work, layout.lock}
        ]
        if others:
            raise OutputInUseError(
                f"{layout.out} holds other files ({min(others)}); choose an empty directory."
            )
        planned: Plan = run_step(
            lambda tell: plan_step(arguments, layout, extractor, tell),
            on_progress=watcher.planning,
        )
        return planned
    if not arguments.resume:
        raise OutputInUseError(
            f"{layout.out} holds an unfinished audit; continue it with --resume "
            "or choose another directory."
        )
    _compare(plan.identity, identity, layout)
    if list_inputs(arguments) != plan.inputs:
        raise AuditChangedError(
            f"The archive is not the one that the audit in {layout.out} was begun with; "
            "give the same files, or choose another directory."
        )
    return plan


def _compare(before: dict[str, Any], now: dict[str, Any], layout: Layout) -> None:
    """Refuse to mix the results of two engines, pattern sets or arguments."""
    changed = sorted(name for name in now if before.get(name) != now[name])
    if changed:
        raise AuditChangedError(
            f"The audit in {layout.out} was begun with another {' and '.join(changed)}; "
            "resume it with the same, or choose another directory."
        )


def _extract(
    plan: Plan,
    layout: Layout,
    arguments: AuditArguments,
    *,
    extractor: Extractor,
    watcher: Watcher,
) -> None:
    """Do the shards that no earlier run has committed."""
    focused = arguments.focus == Focus.HIP
    waiting = [shard for shard in plan.shards if not layout.result(shard.number).is_dir()]
    for leftover in layout.result(0).parent.glob(".*.tmp"):
        shutil.rmtree(leftover, ignore_errors=True)
    read = plan.planned - plan.passed_over
    watcher.planned(plan, read - sum(shard.reports for shard in waiting))
    runner = ShardRunner(
        layout=layout,
        extract=extractor.extract_focused if focused else extractor.extract,
        report_timeout_s=arguments.report_timeout_s,
        waiting=deque(shard.number for shard in waiting),
        on_done=watcher.extracted,
    )
    runner.run(arguments.workers)


def plan_step(
    arguments: AuditArguments, layout: Layout, extractor: Extractor, tell: Callable[[int], None]
) -> Plan:
    """Plan an archive for an extractor; ``tell`` hears how many rows have been read.

    Imports polars: in a process that does not fork any more.
    """
    from audits.course_events import definition_of  # noqa: PLC0415 - needed here alone
    from audits.passing import Passing  # noqa: PLC0415 - polars only after the fork
    from audits.plan import plan_archive  # noqa: PLC0415

    atoms = extractor.patterns.case.atoms
    gated = arguments.gate and arguments.focus == Focus.HIP
    return plan_archive(
        arguments,
        layout,
        engine=asdict(extractor.engine),
        titles={name: atom.title for name, atom in atoms.items()},
        naming=tuple(
            sorted(
                {name for atom in atoms.values() if atom.role == "naming" for name in atom.findings}
            )
        ),
        definition=definition_of(extractor.patterns),
        splitter=Passing(extractor) if gated else None,
        on_rows=tell,
    )


def _finish(layout: Layout, run: dict[str, Any]) -> dict[str, Any]:
    from audits.steps import finish  # noqa: PLC0415 - polars only after the fork

    return finish(layout, run)
