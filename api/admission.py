"""Back-pressure: reports are refused while too much waits, so that what was accepted is read soon.

A client that is told to come back keeps its reports and can tell somebody; a queue that grows
without end fills the disk and answers days late.
"""

from __future__ import annotations

import threading
import time

from sqlalchemy.engine import Connection

from api.problems import Code, Problem
from storage import work

LOOK_EVERY_S = 1.0
"""Between two looks the answer stays: counting up to the limit takes milliseconds."""
RETRY_AFTER_S = 10


class Admission:
    """The door for new reports. Safe to share between threads."""

    def __init__(self, *, most_open: int) -> None:
        """``most_open``: units of work that may be open; a unit has 1 to 100 reports."""
        self._most_open = most_open
        self._lock = threading.Lock()
        self._is_full = False
        self._look_at = 0.0

    def check(self, conn: Connection) -> None:
        """Raise Problem while too much waits to be read."""
        with self._lock:
            if time.monotonic() >= self._look_at:
                self._is_full = work.has_open_reports(conn, at_least=self._most_open)
                self._look_at = time.monotonic() + LOOK_EVERY_S
            is_full = self._is_full
        if is_full:
            raise Problem(
                Code.BUSY,
                "Too many reports wait to be read. Nothing was stored; send it again later.",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
