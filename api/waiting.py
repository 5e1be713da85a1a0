"""``Prefer: wait=N`` (RFC 7240): hold the answer until the result is there, or N seconds are over.

The database is asked, with pauses that grow: it is the one thing that knows, and the answer comes
from another process. Only the question runs in a thread; between questions nothing is held.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from api.service import Service
from storage import reports
from storage.model import ReportState

FIRST_PAUSE_S = 0.005
LONGEST_PAUSE_S = 0.25
_GROWTH = 1.4


def preferred_wait_s(headers: Iterable[str], *, longest_s: float) -> float | None:
    """Return for how many seconds the client prefers to wait; ``None`` where it does not.

    A preference that cannot be read is passed over, as RFC 7240 asks.
    """
    for header in headers:
        for preference in header.split(","):
            name, _, value = preference.partition(";")[0].partition("=")
            seconds = value.strip().strip('"')
            if name.strip().lower() == "wait" and seconds.isascii() and seconds.isdigit():
                return min(float(seconds[:9]), longest_s)
    return None


async def wait_until_final(
    request: Request, service: Service, report_id: str, *, wait_s: float
) -> bool:
    """Return whether the report reached a final state within ``wait_s`` seconds.

    Gives up early where the client has gone, or the report was deleted.
    """
    deadline = time.monotonic() + wait_s
    pause_s = FIRST_PAUSE_S
    while True:
        state = await run_in_threadpool(_state, service, report_id)
        if state is not ReportState.QUEUED:
            return state is not None
        left_s = deadline - time.monotonic()
        if left_s <= 0 or await request.is_disconnected():
            return False
        await asyncio.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * _GROWTH, LONGEST_PAUSE_S)


def _state(service: Service, report_id: str) -> ReportState | None:
    with service.database.read() as conn:
        return reports.state(conn, report_id)
