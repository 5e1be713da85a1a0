"""What the routes work with, made once for a process and reached through ``app.state``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from api.access_log import AccessLog
from api.admission import Admission
from api.audit_rows import RowIndex
from api.cursors import Cursors
from api.extraction import Extraction
from api.kept import Kept
from api.limits import Limits
from api.metrics import HttpMetrics
from api.oidc import Provider
from api.settings import ApiSettings
from storage.database import Database
from storage.files import Files
from storage.model import Lane

if TYPE_CHECKING:
    import polars as pl

Ring = Callable[[int, Lane], object]
"""Tell the workers of one unit of work; never raises."""


@dataclass(slots=True)
class Service:
    """The parts that requests share."""

    settings: ApiSettings
    database: Database
    pepper: bytes
    cursors: Cursors
    extraction: Extraction
    ring: Ring
    admission: Admission
    files: Files
    access_log: AccessLog
    limits: Limits
    oidc: Provider | None = None
    """Where people sign in, if not with a key."""
    source_roots: tuple[Path, ...] = ()
    """Directories below which archives may be audited where they lie."""
    row_indexes: Kept[RowIndex] = field(default_factory=lambda: Kept(8))
    """Of the files of audits that lists are shown from: some ten bytes for each row."""
    patient_lists: Kept[pl.DataFrame] = field(default_factory=lambda: Kept(4))
    """Of finished audits, by their folders."""
    http_metrics: HttpMetrics = field(default_factory=HttpMetrics)
    _ringing: set[asyncio.Task[None]] = field(default_factory=set)

    def ring_soon(self, work_ids: Iterable[int], lane: Lane) -> None:
        """Ring for units of work without making the client wait for Redis.

        A bell that is lost, here or on the way, is rung again by the dispatcher.
        """
        task = asyncio.create_task(run_in_threadpool(self._ring_all, sorted(set(work_ids)), lane))
        # The loop itself keeps no reference to a task.
        self._ringing.add(task)
        task.add_done_callback(self._ringing.discard)

    def _ring_all(self, work_ids: Iterable[int], lane: Lane) -> None:
        for work_id in work_ids:
            self.ring(work_id, lane)


def service_of(request: Request) -> Service:
    """Return the service of the application that serves ``request`` (a dependency)."""
    return cast("Service", request.app.state.service)
