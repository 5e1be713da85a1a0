"""Shards over processes: whatever dies, every shard is done once, in the end."""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import connection as connections
from typing import TYPE_CHECKING

from audits.errors import WorkersFailedError
from audits.processes import Child

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from audits.layout import Layout
    from audits.model import ShardCounts
    from extractor import Report, Result

SHARDS_OF_ONE_LIFE = 200
"""A process is replaced after so many shards: spaCy's vocabulary grows with every new word."""

_ROW = struct.Struct("q")

_DEATHS_OF_ONE_ROW = 2
"""The second process that dies on the same report proves that it is the report."""
_DEATHS_WITHOUT_A_ROW = 5


class Begun:
    """The row that a process has begun, in memory that its parent sees too, even when it has died.

    A message for each report would wake the parent fifty thousand times in an archive of a million.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _ROW.size)

    def set(self, row: int) -> None:
        """Note a row; 0 is none, because rows are counted from 1."""
        _ROW.pack_into(self._memory, 0, row)

    def row(self) -> int | None:
        """Return the row that was begun last."""
        (row,) = _ROW.unpack_from(self._memory)
        return row or None


@dataclass(slots=True)
class _Worker:
    """One process, the shard it has, and the report it has begun."""

    child: Child
    begun: Begun
    shard: int | None = None
    shards_done: int = 0


@dataclass(slots=True)
class ShardRunner:
    """Hands shards to processes until all are done."""

    layout: Layout
    extract: Callable[[Report], Result]
    report_timeout_s: float
    waiting: deque[int]
    on_done: Callable[[ShardCounts], None]
    deaths: Counter[int] = field(default_factory=Counter)
    unexplained: int = 0

    def run(self, processes: int) -> None:
        """Do every shard; processes that die are replaced.

        Raises:
            WorkersFailedError: they die again and again without having begun a report.

        """
        workers: list[_Worker] = []
        try:
            while True:
                wanted = min(
                    processes, len(self.waiting) + sum(w.shard is not None for w in workers)
                )
                while len(workers) < wanted:
                    begun = Begun()
                    workers.append(_Worker(Child(partial(self._serve, begun)), begun))
                for worker in workers:
                    if worker.shard is None and self.waiting:
                        self._hand_out(worker)
                busy = [worker for worker in workers if worker.shard is not None]
                if not busy:
                    return
                ready = connections.wait([worker.child.connection for worker in busy])
                for worker in busy:
                    if worker.child.connection in ready and not self._listen(worker):
                        workers.remove(worker)
        finally:
            for worker in workers:
                worker.child.stop()

    def _hand_out(self, worker: _Worker) -> None:
        worker.shard = self.waiting.popleft()
        worker.begun.set(0)
        skip = {row for row, deaths in self.deaths.items() if deaths >= _DEATHS_OF_ONE_ROW}
        # One that died while it was idle: listening to it will tell.
        with suppress(BrokenPipeError):
            worker.child.connection.send((worker.shard, skip))

    def _listen(self, worker: _Worker) -> bool:
        """Take one message; False when the process is gone or has served its time."""
        try:
            counts = worker.child.connection.recv()
        except (EOFError, ConnectionResetError):
            self._mourn(worker)
            return False
        worker.shard = None
        worker.shards_done += 1
        self.on_done(counts)
        if worker.shards_done < SHARDS_OF_ONE_LIFE:
            return True
        worker.child.stop()
        return False

    def _mourn(self, worker: _Worker) -> None:
        """Put a dead process's shard back, and remember the report it had begun."""
        code = worker.child.wait()
        if worker.shard is not None:
            self.waiting.appendleft(worker.shard)
        row = worker.begun.row()
        if worker.shard is not None and row is not None:
            self.deaths[row] += 1
            return
        self.unexplained += 1
        if self.unexplained >= _DEATHS_WITHOUT_A_ROW:
            raise WorkersFailedError(
                f"Processes of the audit end with code {code} before they begin a report; "
                "look for a full disk or too little memory, and continue with --resume."
            )
        time.sleep(0.1 * self.unexplained)

    def _serve(self, begun: Begun, connection: Connection) -> None:
        """Run shards as they are handed out: the life of a process."""
        os.environ.setdefault("POLARS_MAX_THREADS", "1")
        from audits.shard import run_shard  # noqa: PLC0415 - polars only after the fork

        while True:
            try:
                number, skip = connection.recv()
            except EOFError:
                return
            counts = run_shard(
                self.layout,
                number,
                self.extract,
                report_timeout_s=self.report_timeout_s,
                skip=skip,
                on_report=begun.set,
            )
            connection.send(counts)
