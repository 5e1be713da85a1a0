"""Processes of our own: forked from a parent that holds the extractor, gone when it is gone.

spaCy's ``n_process`` fails as soon as a target matches, and a spawned process would load the
patterns again. A fork is safe only while the parent has no other threads, and polars starts
threads when it is imported: so the parent never imports it, and every step that uses polars runs
in a child. That is also what keeps the parent small and able to fork again at any time.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from audits.errors import WorkersFailedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

_PR_SET_PDEATHSIG = 1
_fork = multiprocessing.get_context("fork")


class Child:
    """A forked process that runs one function and tells its parent how far it is."""

    def __init__(self, work: Callable[[Connection], None]) -> None:
        ours, theirs = _fork.Pipe()
        parent = os.getpid()
        self.connection: Connection = ours
        self.process: BaseProcess = _fork.Process(
            target=_run, args=(work, theirs, ours, parent), daemon=True
        )
        self.process.start()
        theirs.close()

    def stop(self) -> None:
        """Kill it: what it had not committed is done again."""
        self.process.kill()
        self.process.join()
        self.connection.close()

    def wait(self) -> int:
        """Return its exit code once it has ended."""
        self.process.join()
        self.connection.close()
        return self.process.exitcode or 0


def _run(
    work: Callable[[Connection], None], connection: Connection, inherited: Connection, parent: int
) -> None:
    """Set up a child: it dies with its parent, and leaves Ctrl-C to it."""
    inherited.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)  # it was gone before we asked to be told
    work(connection)


def run_step(
    step: Callable[[Callable[[Any], None]], Any], *, on_progress: Callable[[Any], None]
) -> Any:
    """Run a function in a child and return what it returns.

    ``step`` is given a function to tell its progress with.

    Raises:
        Exception: what the step raised, when it was meant for the caller (an error with a code).
        WorkersFailedError: the child died without a word.

    """
    child = Child(lambda connection: _answer(step, connection))
    try:
        while True:
            kind, value = child.connection.recv()
            if kind == "progress":
                on_progress(value)
            elif kind == "error":
                raise value
            else:
                return value
    except EOFError:
        code = child.wait()
        raise WorkersFailedError(
            f"A process of the audit ended with code {code} before its work was done; "
            "look for a full disk or too little memory, and continue with --resume."
        ) from None
    finally:
        if not child.connection.closed:
            child.stop()


def _answer(step: Callable[[Callable[[Any], None]], Any], connection: Connection) -> None:
    """Send progress and then the result, or the error that the caller is to see."""
    try:
        result = step(lambda value: connection.send(("progress", value)))
    except Exception as error:
        if hasattr(error, "code") or isinstance(error, OSError):
            connection.send(("error", error))
            return
        raise
    connection.send(("result", result))
