"""The access log of this process: entries are gathered and written together.

A commit for each request would make single posts twice as dear, so one thread writes all that has
come since its last commit in one transaction. Who gives patient data out waits for that commit
before the first byte leaves; whatever else happened is written a quarter of a second later at the
latest, and no answer waits for it. A process that is killed loses that quarter of a second of posts
and refusals, never a disclosure.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, deque
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from api.access import NotLoggedError
from api.frames import frames
from storage import access_log
from storage.access_model import Action, Entry, Head, Outcome
from storage.errors import StorageError

if TYPE_CHECKING:
    from storage.database import Database

LINGER_S = 0.25
"""How long entries that nobody waits for are gathered."""
MOST = 20_000
"""Entries that are held while the database does not answer; what comes then is counted."""
_BATCH = 500
_PAUSE_S = 1.0
_PATIENCE_S = 20.0
_SAY_HEAD_S = 600.0
_LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An entry that is to be written, and who waits for it."""

    entry: Entry
    written: Future[None] | None = None

    def answer(self, error: Exception | None) -> None:
        """Tell who waits how it went; nothing where nobody does any more."""
        if self.written is None or not self.written.set_running_or_notify_cancel():
            return
        if error is None:
            self.written.set_result(None)
        else:
            self.written.set_exception(error)


class AccessLog:
    """Writes the entries of one process."""

    def __init__(self, database: Database, *, linger_s: float = LINGER_S) -> None:
        """Nothing is written before :meth:`start`."""
        self._database = database
        self._linger_s = linger_s
        self._changed = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._hurried = 0
        self._lost = 0
        self._is_stopping = False
        self._said_at_s = 0.0
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)

    def start(self) -> None:
        """Start writing."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, and end."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE_S)

    def put(self, entry: Entry) -> None:
        """Have an entry written soon."""
        with self._changed:
            if len(self._waiting) >= MOST:
                self._lost += 1
                return
            self._waiting.append(_Waiting(entry))
            # Who gathers need not be woken for each: the thread wakes when its time is over.
            if len(self._waiting) in {1, _BATCH}:
                self._changed.notify()

    async def write(self, entry: Entry) -> None:
        """Return once an entry is committed. Raises NotLoggedError."""
        written: Future[None] = Future()
        with self._changed:
            if len(self._waiting) >= MOST or self._is_stopping:
                raise NotLoggedError
            self._waiting.append(_Waiting(entry, written))
            self._hurried += 1
            self._changed.notify()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await asyncio.wrap_future(written)
        except TimeoutError:
            raise NotLoggedError from None

    def _run(self) -> None:
        while True:
            batch = self._gather()
            if not batch:
                return
            try:
                self._write(batch)
            except StorageError:
                self._put_back(batch)
            except Exception as error:  # noqa: BLE001 - a thread's error would go unseen
                _LOG.error(
                    "access_log_failed", error_type=type(error).__name__, frames=frames(error)
                )
                self._put_back(batch)

    def _gather(self) -> list[_Waiting]:
        """Wait for entries, and return up to a batch of them; nothing at the end."""
        with self._changed:
            while not self._waiting and not self._is_stopping:
                self._changed.wait()
            end_s = time.monotonic() + self._linger_s
            while not self._is_hasty() and (left_s := end_s - time.monotonic()) > 0:
                self._changed.wait(left_s)
            batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            self._hurried -= sum(waiting.written is not None for waiting in batch)
        return batch

    def _is_hasty(self) -> bool:
        return self._hurried > 0 or self._is_stopping or len(self._waiting) >= _BATCH

    def _write(self, batch: list[_Waiting]) -> None:
        entries = folded([waiting.entry for waiting in batch])
        lost = self._lost
        if lost:
            entries.append(
                Entry(Action.ADMINISTER, Outcome.FAILED, code="ENTRIES_LOST", items=lost)
            )
        with self._database.begin() as conn:
            head = access_log.append(conn, entries)
        with self._changed:
            self._lost -= lost
        for waiting in batch:
            waiting.answer(None)
        self._say(head)

    def _put_back(self, batch: list[_Waiting]) -> None:
        """Tell who waits that it failed; keep the others for another try, after a pause."""
        for waiting in batch:
            waiting.answer(NotLoggedError())
        with self._changed:
            self._waiting.extendleft(each for each in reversed(batch) if each.written is None)
            is_over = self._is_stopping
            if is_over:
                self._lost += len(self._waiting)
                self._waiting.clear()
            else:
                self._changed.wait_for(lambda: self._is_stopping, _PAUSE_S)
        if is_over:
            _LOG.error("access_log_lost", number=self._lost)

    def _say(self, head: Head) -> None:
        """Tell our other log of the head now and then: where logs are kept elsewhere, it is, too."""
        if time.monotonic() - self._said_at_s > _SAY_HEAD_S or self._is_stopping:
            self._said_at_s = time.monotonic()
            _LOG.info("access_log_head", head=str(head))


def folded(entries: list[Entry]) -> list[Entry]:
    """Return the entries with those that differ in the request's id alone made one.

    A flood of the same refusal costs a few rows a second, not thousands.
    """
    bare = [replace(entry, request=None) for entry in entries]
    times = Counter(bare)
    firsts = dict(zip(reversed(bare), reversed(entries), strict=True))
    return [replace(firsts[one], times=count) for one, count in times.items()]
