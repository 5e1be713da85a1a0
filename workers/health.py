"""Whether the work goes on: the health check of worker and dispatcher.

That a process answers a ping proves nothing of its work. Here healthy is: the database is up to
date, Redis answers, and no unit waits longer than a lease while none is worked on or ended.

Run as ``python -m workers.health``: exit code 0, or 1 with a line that says what is wrong.
"""

from __future__ import annotations

import sys

from storage import work
from storage.database import Database
from storage.errors import StorageError
from workers.bell import Bell
from workers.settings import WorkerSettings


def find_fault(settings: WorkerSettings) -> str | None:
    """Return what keeps the work from going on, or ``None``."""
    try:
        with Database.open(settings) as database:
            database.check_current()
            with database.read() as conn:
                is_stalled = work.is_stalled(conn, for_s=settings.lease_s)
    except StorageError as error:
        return str(error)
    bell = Bell.open(settings)
    redis_answers = bell.answers()
    bell.close()
    if not redis_answers:
        return "Redis does not answer"
    if is_stalled:
        return f"work waits for more than {settings.lease_s:g} s and none is done"
    return None


def main() -> int:
    """Check with the settings of the environment."""
    fault = find_fault(WorkerSettings())
    if fault is not None:
        sys.stderr.write(f"unhealthy: {fault}\n")
    return 0 if fault is None else 1


if __name__ == "__main__":
    sys.exit(main())
