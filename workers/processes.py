"""What `marrow worker` and `marrow dispatcher` run: one process each, ended by SIGTERM."""

from __future__ import annotations

import gc
import os
import signal
import threading
from typing import TYPE_CHECKING

from storage.database import Database
from storage.files import open_files
from workers import logs
from workers.app import make_app
from workers.bell import Bell
from workers.dispatcher import Dispatcher
from workers.no_core_dumps import forbid_core_dumps
from workers.tasks import Worker
from workers.watchdog import keep_watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from workers.run_work import Reader
    from workers.settings import WorkerSettings


def run_worker(settings: WorkerSettings, *, load: Callable[[], Reader] | None = None) -> int:
    """Do work until SIGTERM or SIGINT, which let the units in hand end; return the exit code.

    ``load`` makes the reader, once, before the processes are forked; without it it is the
    Extractor with the settings' patterns. Raises PatternError, and DatabaseOutdatedError where
    the tables are not those of this version, FilesError where the store of files is not to be used.
    """
    logs.configure()
    forbid_core_dumps()
    _check_database(settings)
    open_files(settings)  # raises where it is set up wrongly
    app = make_app(
        settings.broker_url,
        task_time_limit_s=settings.task_time_limit_s,
        visibility_timeout_s=settings.visibility_timeout_s,
    )
    reader = _load_extractor(settings) if load is None else load()
    # What is loaded now stays, shared by all processes: the collector must not write to it.
    gc.collect()
    gc.freeze()
    Worker(settings, reader).register(app)
    worker = app.Worker(
        hostname=f"marrow-{os.getpid()}@%h",
        pool="prefork",
        concurrency=settings.worker_concurrency,
        queues=[lane.value for lane in settings.worker_lanes],
        without_gossip=True,
        without_mingle=True,
        quiet=True,
        loglevel="WARNING",
    )
    logs.get_logger(__name__).info("worker_started", concurrency=settings.worker_concurrency)
    keep_watch(settings)
    worker.start()
    return int(worker.exitcode or 0)


def run_dispatcher(settings: WorkerSettings) -> int:
    """Dispatch until SIGTERM or SIGINT; return the exit code.

    Raises DatabaseOutdatedError where the tables are not those of this version.
    """
    logs.configure()
    forbid_core_dumps()
    _check_database(settings)
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    database, bell = Database.open(settings), Bell.open(settings)
    logs.get_logger(__name__).info("dispatcher_started")
    Dispatcher(database, bell, settings).run(stop)
    bell.close()
    database.dispose()
    return 0


def _check_database(settings: WorkerSettings) -> None:
    # No connection may live on into the processes that are forked later.
    with Database.open(settings) as database:
        database.check_current()


def _load_extractor(settings: WorkerSettings) -> Reader:
    # spaCy takes seconds, and only workers need it; the steps of audits are loaded before the fork.
    import workers.run_step  # noqa: F401, PLC0415
    from extractor import Extractor  # noqa: PLC0415

    return Extractor.load() if settings.patterns is None else Extractor.load(settings.patterns)
