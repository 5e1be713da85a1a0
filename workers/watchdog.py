"""A worker that hears no bell any more ends itself, to be started again by whoever started it.

That its process lives proves nothing: a consumer may be stuck on a connection that never fails.
Deaf is: units of its lanes wait for more than a lease, none is worked on or was ended meanwhile,
and their bells lie in Redis unheard. Without bells it is the dispatcher that is missing, and
without Redis nobody can hear: then ending would mend nothing.

The question is asked in a process of its own, ``python -m workers.watchdog``: a thread with
connections would have them copied into the worker's processes when these are forked.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from storage import work
from storage.database import Database
from storage.errors import StorageError
from workers.bell import Bell
from workers.logs import get_logger
from workers.settings import WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

DEAF = 75
"""The exit code: EX_TEMPFAIL of sysexits.h, try again."""
_LOOKS_IN_A_LEASE = 2
_LOOKS_IN_A_ROW = 2
"""So many must find it deaf: when Redis or all workers have just come back, old work waits with
bells, and the next moment it is heard."""
_ASK_S = 60
log = get_logger(__name__)


def is_deaf(settings: WorkerSettings) -> bool:
    """Return whether bells for these lanes lie unheard while no work is done."""
    try:
        with Database.open(settings) as database, database.read() as conn:
            if not work.is_stalled(conn, for_s=settings.lease_s, lanes=settings.worker_lanes):
                return False
    except StorageError:
        return False
    bell = Bell.open(settings)
    waiting = [bell.waiting(lane) for lane in settings.worker_lanes]
    bell.close()
    return any(waiting)


def keep_watch(settings: WorkerSettings, *, end: Callable[[int], object] = os._exit) -> None:
    """Ask again and again, in a thread, and end the process at once when it is deaf.

    Nothing is lost by that: no unit is leased, or it would not be deaf.
    """

    def watch() -> None:
        if stays_deaf(_looks(every_s=settings.lease_s / _LOOKS_IN_A_LEASE)):
            log.critical("worker_deaf")
            end(DEAF)

    threading.Thread(target=watch, name="watchdog", daemon=True).start()


def stays_deaf(looks: Iterable[bool]) -> bool:
    """Look until it was deaf several times in a row, or until there are no more looks."""
    in_a_row = 0
    for is_deaf_now in looks:
        in_a_row = in_a_row + 1 if is_deaf_now else 0
        if in_a_row == _LOOKS_IN_A_ROW:
            return True
    return False


def _looks(*, every_s: float) -> Iterator[bool]:
    while True:
        time.sleep(every_s)
        yield _ask() == DEAF


def _ask() -> int | None:
    # The settings are those of the environment, which the process inherits.
    command = [sys.executable, "-m", "workers.watchdog"]
    try:
        asked = subprocess.run(command, check=False, timeout=_ASK_S, stdin=subprocess.DEVNULL)  # noqa: S603 (our own words)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return asked.returncode


def main() -> int:
    """Ask with the settings of the environment."""
    return DEAF if is_deaf(WorkerSettings()) else 0


if __name__ == "__main__":
    sys.exit(main())
