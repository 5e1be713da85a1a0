"""One extractor in this process, for reports that are read at once and not stored.

A spaCy pipeline is not to be shared between threads, so there is one thread for it; requests wait
in a short line, and are told to come back where it is full.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore

import structlog

from api.frames import frames
from api.problems import Code, Problem
from extractor import Extractor, Report, Result

_LOG = structlog.get_logger()


class Extraction:
    """The line before the extractor."""

    def __init__(self, load: Callable[[], Extractor], *, timeout_s: float, queue: int) -> None:
        """Nothing is loaded before :meth:`start`; ``queue`` is the length of the line."""
        self._load = load
        self._timeout_s = timeout_s
        self._places = BoundedSemaphore(queue)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="extraction")
        self._extractor: Extractor | None = None
        self._failed = False

    def start(self) -> None:
        """Load the extractor in its thread: the API answers other requests meanwhile."""
        self._thread.submit(self._load_logged)

    def stop(self) -> None:
        """Let go of what waits, without waiting for what runs."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    @property
    def extractor(self) -> Extractor:
        """The extractor. Raises Problem while it is being loaded, and if that failed."""
        if self._extractor is None:
            detail = (
                "The patterns could not be loaded; run `marrow patterns check` on the server."
                if self._failed
                else "The patterns are being loaded."
            )
            raise Problem(Code.NOT_READY, detail, headers={"Retry-After": "2"})
        return self._extractor

    async def extract(self, report: Report) -> Result:
        """Read one report. Raises Problem where the line is full or it takes too long."""
        extractor = self.extractor
        if not self._places.acquire(blocking=False):
            raise _busy("Too many reports wait to be read here.")
        future = self._thread.submit(extractor.extract, report)
        # The place is free when the thread is, not when the client stops waiting.
        future.add_done_callback(self._leave)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise _busy("The report could not be read in time.") from None

    def _leave(self, _future: Future[Result]) -> None:
        self._places.release()

    def _load_logged(self) -> None:
        try:
            self._extractor = self._load()
        except Exception as error:  # noqa: BLE001 - a thread's error would go unseen
            self._failed = True
            _LOG.error(
                "patterns_not_loaded",
                error_type=type(error).__name__,
                frames=frames(error),
            )
        else:
            _LOG.info("patterns_loaded", version=self._extractor.engine.patterns_version)


def _busy(detail: str) -> Problem:
    return Problem(
        Code.BUSY,
        f"{detail} Try again, or post it to /v1/reports.",
        headers={"Retry-After": "5"},
    )
