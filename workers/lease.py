"""Hold a unit for as long as its process lives: the steps of an audit outlast any fixed lease.

A thread renews the lease. It stands still when the process is frozen and ends when it is killed,
so then the lease ends, too. A process that hangs is ended by Celery's time limit.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from storage import work
from storage.errors import DatabaseUnavailableError, FencedError

if TYPE_CHECKING:
    from storage.database import Database
    from storage.model import Claim

_RENEWALS = 4
"""In the time of one lease, so that a database that is away for a moment costs nothing."""


class KeptLease:
    """A claim that is renewed in a ``with`` block."""

    def __init__(self, database: Database, claim: Claim, *, lease_s: float) -> None:
        self.database = database
        self.claim = claim
        self.lease_s = lease_s
        self._is_lost = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def check(self) -> None:
        """Raise FencedError where the lease is known to be lost."""
        if self._is_lost:
            raise FencedError(self.claim.work_id)

    def _keep(self) -> None:
        while not self._stop.wait(self.lease_s / _RENEWALS):
            try:
                with self.database.begin() as conn:
                    work.renew(conn, self.claim, lease_s=self.lease_s)
            except FencedError:
                self._is_lost = True
                return
            except DatabaseUnavailableError:
                continue
