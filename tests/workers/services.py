"""The real worker and dispatcher as processes, on a database and a Redis of the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from storage import reports, work
from storage.model import Lane, NewReport, ReportFilters
from tests.services import wait_until
from workers.bell import Bell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.database import Database
    from storage.model import Accepted, Reconciliation, StoredReport

ROOT = Path(__file__).parents[2]
CRUDE = [sys.executable, str(Path(__file__).with_name("crude_worker.py"))]
DEADLY = [sys.executable, str(Path(__file__).with_name("deadly_worker.py"))]
FROZEN = ["env", "CRUDE_FREEZES=1", *CRUDE]
_RUN = "import sys; from workers import processes, settings; sys.exit(processes.{}({}()))"
REAL = [sys.executable, "-c", _RUN.format("run_worker", "settings.WorkerSettings")]
DISPATCHER = [sys.executable, "-c", _RUN.format("run_dispatcher", "settings.WorkerSettings")]
SHORT_LADDER = {
    "MARROW_REPORT_TIMEOUT_S": "0.5",
    "MARROW_UNIT_TIMEOUT_S": "5",
    "MARROW_TASK_TIME_LIMIT_S": "8",
    "MARROW_LEASE_S": "10",
    "MARROW_RING_AGAIN_S": "1",
    "MARROW_DISPATCH_EVERY_S": "0.1",
}


class Process:
    """A process of ours, its standard error in a file."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as file:
            self._popen = subprocess.Popen(
                command, env=environment, stderr=file, stdout=file, start_new_session=True, cwd=ROOT
            )
        self.pid = self._popen.pid

    def children(self) -> list[int]:
        """Return the ids of its child processes."""
        found = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in found.split()]

    def said(self) -> str:
        """Return what it wrote to standard error and output."""
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """End the process alone as ``kill -9`` does, and leave its children to themselves."""
        self._popen.kill()
        self._popen.wait(10)

    def stop(self) -> int:
        """Ask it to end, wait, and return its exit code."""
        self._popen.send_signal(signal.SIGTERM)
        return self._popen.wait(30)

    def wait(self) -> int:
        """Wait for its end, and return its exit code."""
        return self._popen.wait(60)

    def clean_up(self) -> None:
        """Leave nothing behind, whatever the test did."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait(10)


@dataclass
class Service:
    """A database, a bell, and the processes that were started on them."""

    database: Database
    bell: Bell
    environment: dict[str, str]
    folder: Path

    @classmethod
    @contextmanager
    def on(cls, database: Database, redis_url: str, folder: Path) -> Iterator[Service]:
        """Give a service whose processes all see this database and this Redis."""
        environment = os.environ | SHORT_LADDER
        environment |= {
            "PYTHONPATH": str(ROOT),
            "MARROW_DATA_DIR": str(folder),
            "MARROW_DATABASE_URL": database.url.render_as_string(hide_password=False),
            "MARROW_REDIS_URL": redis_url,
            "MARROW_WORKER_CONCURRENCY": "2",
        }
        bell = Bell(redis_url)
        yield cls(database, bell, environment, folder)
        bell.close()

    @contextmanager
    def process(self, command: list[str], **environment: str) -> Iterator[Process]:
        """Start a process; it is gone at the end."""
        log = self.folder / f"process-{len(list(self.folder.glob('process-*')))}.log"
        process = Process(command, self.environment | environment, log)
        try:
            yield process
        finally:
            process.clean_up()

    def accept(self, *texts: str, lane: Lane = Lane.BULK) -> list[Accepted]:
        """Accept reports without ringing for them."""
        with self.database.begin() as conn:
            return reports.accept(conn, [NewReport(text=text) for text in texts], lane=lane)

    def post(self, *texts: str, lane: Lane = Lane.BULK) -> list[Accepted]:
        """Accept reports and ring, as the API does."""
        accepted = self.accept(*texts, lane=lane)
        for work_id in sorted({one.work_id for one in accepted if one.work_id is not None}):
            self.bell.ring(work_id, lane)
        return accepted

    def sums(self) -> Reconciliation:
        """Return where all reports are."""
        with self.database.read() as conn:
            return work.reconcile(conn)

    def stored(self) -> list[StoredReport]:
        """Return the newest thousand reports."""
        with self.database.read() as conn:
            return list(reports.list_page(conn, ReportFilters(), limit=1_000).reports)

    def wait_for(self, *, finished: int, deadline_s: float = 60) -> Reconciliation:
        """Return the sums once so many reports are in a final state."""

        def enough() -> Reconciliation | None:
            sums = self.sums()
            return sums if sums.done + sums.failed >= finished else None

        return wait_until(enough, deadline_s=deadline_s, what=f"{finished} finished") or self.sums()


def state_of(pid: int) -> str:
    """Return the state of a process as proc(5) names it, "X" for none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def is_running(pid: int) -> bool:
    """Return whether a process is there and no zombie."""
    return state_of(pid) not in {"Z", "X"}
