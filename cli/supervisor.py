"""Run the parts of a service as child processes: start, watch, restart, stop, leave none behind.

Each part is the leader of a process group of its own, so that Ctrl-C in a terminal reaches the
supervisor alone, which then stops the parts in order. The kernel kills a part when the supervisor
dies, however that happens (Linux: ``PR_SET_PDEATHSIG``).
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

STOP_GRACE_S = 25.0
"""How long a part may take to stop: a worker ends the reports in hand first."""
FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
STEADY_S = 60.0
"""A part that ran this long before it died is restarted as if it were the first time."""
MAX_EARLY_DEATHS = 3
"""A part that dies this often before the service is ready will not get better."""
_MAX_LOG_BYTES = 20_000_000
_TIED = (sys.executable, "-I", "-S", str(Path(__file__).with_name("tied.py")))
"""Before a command: what it becomes dies with us."""


class SupervisorError(Exception):
    """The service cannot be run; the message says why, for the terminal."""


class StopRequested(Exception):  # noqa: N818 - no error, a wish
    """A signal asked to stop while something was being waited for."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the service."""

    name: str
    command: tuple[str, ...]
    pass_fds: tuple[int, ...] = ()
    stops_last: bool = False
    """For what the other parts need to stop well."""


class _Child:
    """A part and its process, if it has one at the moment."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths = 0
        self.started_at = 0.0
        self.start_again_at = 0.0

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal to the part alone; it passes on what its own children need to know."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)

    def kill(self) -> None:
        """Kill the part and all of its process group."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Supervisor:
    """Keeps parts running inside a ``with`` block, and stops them at its end."""

    def __init__(
        self, *, env: Mapping[str, str], log_dir: Path | None, say: Callable[[str], None]
    ) -> None:
        """``log_dir`` takes what the parts print (``None``: our own standard error)."""
        self._env = dict(env)
        self._log_dir = log_dir
        self._say = say
        self._children: list[_Child] = []
        self._is_ready = False
        self._signals = 0
        self._handlers: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}
        self._wake, self._woken = socket.socketpair()

    def __enter__(self) -> Self:
        """Take over the signals."""
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        # A signal writes a byte, which ends the wait below at once. Nothing else is safe to do in
        # a handler: it may run while a lock is being taken.
        self._wakeup_fd = signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, self._on_signal)
        self._handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop all parts and give the signals back."""
        self._stop()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_fd)
        self._wake.close()
        self._woken.close()

    def start(self, part: Part) -> None:
        """Start a part, and start it again whenever it dies."""
        child = _Child(part)
        self._children.append(child)
        self._spawn(child)

    def wait_until(self, condition: Callable[[], bool], *, timeout_s: float, what: str) -> None:
        """Wait for a condition while the parts are being watched.

        Raises StopRequested on a signal, SupervisorError where it does not come true in time.
        """
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise SupervisorError(
                    f"{what} is not ready after {timeout_s:g} s{self._see_logs()}"
                )
            self._turn(0.2)
            if self._signals:
                raise StopRequested

    def watch(self) -> None:
        """Keep the parts running until a signal asks to stop."""
        self._is_ready = True
        while not self._signals:
            self._turn(1.0)

    def _turn(self, pause_s: float) -> None:
        self._pause(pause_s)
        for child in self._children:
            if not child.runs:
                self._revive(child)

    def _pause(self, seconds: float) -> None:
        """Wait, but not longer than until the next signal."""
        if select.select([self._woken], [], [], seconds)[0]:
            with suppress(BlockingIOError):
                self._woken.recv(4096)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _revive(self, child: _Child) -> None:
        now = time.monotonic()
        if child.process is not None:
            code = child.process.returncode
            child.process = None
            child.deaths = 1 if now - child.started_at > STEADY_S else child.deaths + 1
            delay_s = min(FIRST_DELAY_S * 2 ** (child.deaths - 1), LONGEST_DELAY_S)
            child.start_again_at = now + delay_s
            what = f"{child.part.name} ended ({_ending(code)}){self._see_logs(child)}"
            if not self._is_ready and child.deaths >= MAX_EARLY_DEATHS:
                raise SupervisorError(what)
            self._say(f"{what}; starting it again in {delay_s:g} s")
        elif now >= child.start_again_at:
            self._spawn(child)

    def _spawn(self, child: _Child) -> None:
        if shutil.which(child.part.command[0]) is None:
            raise SupervisorError(f"cannot start {child.part.name}: No such file or directory")
        child.started_at = time.monotonic()
        log = self._open_log(child.part)
        try:
            child.process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
                (*_TIED, str(os.getpid()), *child.part.command),
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=child.part.pass_fds,
                process_group=0,
            )
        except OSError as error:
            raise SupervisorError(f"cannot start {child.part.name}: {error.strerror}") from None
        finally:
            if log is not None:
                log.close()

    def _open_log(self, part: Part) -> IO[bytes] | None:
        if self._log_dir is None:
            return None
        self._log_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._log_dir / f"{part.name}.log"
        if path.exists() and path.stat().st_size > _MAX_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return open(path, "ab", opener=_private)

    def _see_logs(self, child: _Child | None = None) -> str:
        if self._log_dir is None:
            return ""
        return f"; see {self._log_dir if child is None else self._log_dir / child.part.name}" + (
            "" if child is None else ".log"
        )

    def _stop(self) -> None:
        first = [child for child in self._children if not child.part.stops_last]
        last = [child for child in self._children if child.part.stops_last]
        asked = self._signals
        for group in (first, last):
            for child in group:
                child.signal(signal.SIGTERM)
            deadline = time.monotonic() + STOP_GRACE_S
            # A second Ctrl-C means: now.
            while (
                any(child.runs for child in group)
                and time.monotonic() < deadline
                and self._signals <= max(asked, 1)
            ):
                self._pause(0.2)
            for child in group:
                child.kill()


def _ending(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
