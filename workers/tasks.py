"""The tasks, and what a worker's processes hold to do them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import signals

from storage.database import Database
from workers.app import SHARD_TASK, STEP_TASK, TASK
from workers.die_with_parent import die_with_parent
from workers.logs import configure, get_logger
from workers.run_work import Ending, run_work

if TYPE_CHECKING:
    from celery import Celery

    from workers.run_work import Reader
    from workers.settings import WorkerSettings

log = get_logger(__name__)


class Worker:
    """What the processes of a worker share: the reader, loaded once, before they are forked.

    The database is opened after the fork: two processes on one connection would mix their words.
    """

    def __init__(self, settings: WorkerSettings, reader: Reader) -> None:
        self.settings = settings
        self._reader = reader
        self._database: Database | None = None

    def register(self, app: Celery) -> None:
        """Make this worker the one that does the application's tasks."""
        signals.setup_logging.connect(self._on_setup_logging, weak=False)
        signals.worker_process_init.connect(self._on_process_init, weak=False)
        limits = {
            TASK: self.settings.task_time_limit_s,
            SHARD_TASK: self.settings.shard_time_limit_s,
            STEP_TASK: self.settings.step_time_limit_s,
        }
        for name, time_limit_s in limits.items():
            app.task(name=name, ignore_result=True, time_limit=time_limit_s)(self.run)

    def run(self, work_id: int) -> None:
        """Do the unit of work of this row; the task's whole message is the row's number."""
        try:
            self._run(work_id)
        except Exception:  # an edge: Celery would log the message
            # The unit comes back when its lease ends.
            log.exception("work_failed", work=work_id)

    def _run(self, work_id: int) -> None:
        if self._database is None:
            self._database = Database.open(self.settings)
        ended = run_work(
            work_id, database=self._database, reader=self._reader, settings=self.settings
        )
        for unit in ended:
            if unit.ending is not Ending.NOT_OURS:
                log.info(
                    "work_ended",
                    work=unit.work_id,
                    ending=unit.ending.value,
                    read=unit.read,
                    failed=unit.failed,
                    seconds=round(unit.seconds, 3),
                )

    def _on_setup_logging(self, **options: Any) -> None:
        # That somebody listens is what keeps Celery from setting up its own.
        del options

    def _on_process_init(self, **options: Any) -> None:
        # Celery logs what a handler raises and goes on: nothing that must not fail stands here.
        del options
        configure()
        die_with_parent()
        self._database = Database.open(self.settings)
        self._database.ping()
