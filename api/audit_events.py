"""The progress of an audit as server-sent events: counts and states, nothing of any report.

Each event says all that is known, so that one that got lost is no loss. Its id grows with the
progress: a client that comes back with ``Last-Event-ID`` hears only what is new to it, and nothing
at all (``204``, which ends its attempts) where it has heard the end.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool

from api.audit_views import progress_view
from api.service import Service
from storage import audits
from storage.audit_model import OPEN, StoredAudit

PAUSE_S = 0.5
_HEARTBEAT_S = 15.0
"""Proxies close connections on which nothing is said."""
_END = len(OPEN)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """How far an audit is: the stage, and the rows or reports in it."""

    stage: int
    count: int

    @classmethod
    def of(cls, audit: StoredAudit) -> Place:
        """Return how far an audit is."""
        stage = OPEN.index(audit.state) if audit.state in OPEN else _END
        count = audit.rows_read if audit.counts is None else audit.progress.reports
        return cls(stage, count)

    @classmethod
    def read(cls, event_id: str | None) -> Place | None:
        """Return the place of an event's id; ``None`` where it is none of ours."""
        stage, _, count = (event_id or "").partition("-")
        if not (stage.isascii() and stage.isdigit() and count.isascii() and count.isdigit()):
            return None
        return cls(int(stage[:2]), int(count[:18]))

    @property
    def is_end(self) -> bool:
        """Whether nothing comes after it."""
        return self.stage == _END

    def __str__(self) -> str:
        return f"{self.stage}-{self.count}"


async def events(
    service: Service, audit: StoredAudit, *, heard: Place | None
) -> AsyncIterator[str]:
    """Yield the events of an audit until its end, or until the stream has lasted long enough."""
    end = time.monotonic() + service.settings.max_events_s
    said_at = time.monotonic()
    current: StoredAudit | None = audit
    yield f"retry: {int(PAUSE_S * 1000) * 4}\n\n"
    while True:
        if current is None:
            yield _event("deleted", {}, None)
            return
        place = Place.of(current)
        if heard is None or place > heard:
            heard, said_at = place, time.monotonic()
            yield _event("end" if place.is_end else "progress", progress_view(current), place)
        if place.is_end or time.monotonic() > end:
            return
        if time.monotonic() - said_at > _HEARTBEAT_S:
            said_at = time.monotonic()
            yield ": still here\n\n"
        await asyncio.sleep(PAUSE_S)
        current = await run_in_threadpool(_load, service, audit.id)


def _load(service: Service, id_: str) -> StoredAudit | None:
    with service.database.read() as conn:
        return audits.get(conn, id_)


def _event(name: str, data: dict[str, Any], place: Place | None) -> str:
    lines = [f"event: {name}", f"data: {json.dumps(data, separators=(',', ':'))}"]
    if place is not None:
        lines.append(f"id: {place}")
    return "\n".join(lines) + "\n\n"
