"""Faults at exact points of the real processes, without a word about it in the code that runs.

Python imports ``sitecustomize`` at its start. The one in ``plug/`` is on the path of the processes
that this suite starts, and wraps a few functions by name. A wrapper looks for a *fuse*, an empty
file ``<action>@<point>``: whoever renames it first does the action to itself, once. Without a fuse
nothing happens, so a fault is placed at any time, in any process, however often it was restarted.

Imports nothing but the standard library: it runs before everything else.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from importlib import machinery
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

FOLDER = "MARROW_CHAOS_FUSES"
"""The environment variable that names the folder of fuses."""
POISON, HANG, STUCK = "ZZPOISON", "ZZHANG", "ZZSTUCK"
"""Words in a text that kill the process that reads it, keep it busy, or stop it dead."""


class Action(StrEnum):
    """What a process does to itself."""

    KILL = "kill"
    FREEZE = "freeze"


_SIGNALS = {Action.KILL: signal.SIGKILL, Action.FREEZE: signal.SIGSTOP}


@dataclass(frozen=True, slots=True)
class Place:
    """A function, and whether the fault comes before it or when it has returned."""

    module: str
    function: str
    is_after: bool


class Point(StrEnum):
    """Where a process can be hit."""

    CLAIMING = "claiming"
    """A worker's claim is written, and not committed."""
    CLAIMED = "claimed"
    """The claim is committed, nothing is read."""
    READING = "reading"
    """A report of the unit is read."""
    FINISHING = "finishing"
    """All are read, nothing is written."""
    WRITTEN = "written"
    """The results are written, and not committed."""
    FINISHED = "finished"
    """They are committed."""
    STORING = "storing"
    """The API has written the reports, and not committed them."""
    STORED = "stored"
    """They are committed; nobody was rung for, and the client has no answer."""


PLACES = {
    Point.CLAIMING: Place("storage.work", "claim", is_after=True),
    Point.CLAIMED: Place("workers.run_work", "read", is_after=False),
    Point.READING: Place("extractor.extractor", "Extractor.extract", is_after=True),
    Point.FINISHING: Place("workers.run_work", "_finish", is_after=False),
    Point.WRITTEN: Place("storage.work", "finish", is_after=True),
    Point.FINISHED: Place("workers.run_work", "_finish", is_after=True),
    Point.STORING: Place("storage.reports", "accept", is_after=True),
    Point.STORED: Place("api.service", "Service.ring_soon", is_after=False),
}


class Fuses:
    """The fuses of one installation, as the suite sees them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def arm(self, action: Action, point: Point) -> None:
        """Let the next process that comes to this point do this to itself, once."""
        self._path(action, point).touch()

    def is_armed(self, action: Action, point: Point) -> bool:
        """Return whether no process came by yet."""
        return self._path(action, point).exists()

    def disarm(self, action: Action, point: Point) -> None:
        """Take the fuse back, if it is still there."""
        self._path(action, point).unlink(missing_ok=True)

    def hit(self) -> list[int]:
        """Return the processes that were hit, in no order."""
        return [int(path.name.rpartition(".")[2]) for path in self.folder.glob("hit.*")]

    def _path(self, action: Action, point: Point) -> Path:
        return self.folder / f"{action}@{point}"


def plug_in() -> None:
    """Wrap the functions in this process, where it was started with a folder of fuses."""
    folder = os.environ.get(FOLDER)
    if folder:
        sys.meta_path.insert(0, _Wrapper(Path(folder)))


class _Wrapper(MetaPathFinder):
    """Finds the modules of :data:`PLACES`, and wraps their functions when they are loaded."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> machinery.ModuleSpec | None:
        points = [point for point, place in PLACES.items() if place.module == fullname]
        if not points:
            return None
        spec = machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            for point in points:
                self._wrap(module, point)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

    def _wrap(self, module: ModuleType, point: Point) -> None:
        place = PLACES[point]
        owner_name, _, name = place.function.rpartition(".")
        owner = getattr(module, owner_name) if owner_name else module
        function: Callable[..., Any] = getattr(owner, name)

        @wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if not place.is_after:
                self._pass(point)
            if point is Point.READING:
                _obey(args[1].text)
            result = function(*args, **kwargs)
            if place.is_after:
                self._pass(point)
            return result

        setattr(owner, name, wrapped)

    def _pass(self, point: Point) -> None:
        for action, number in _SIGNALS.items():
            fuse = self._folder / f"{action}@{point}"
            # Renaming is atomic: one process gets it.
            with suppress(FileNotFoundError):
                fuse.rename(self._folder / f"hit.{time.monotonic_ns()}.{os.getpid()}")
                os.kill(os.getpid(), number)


def _obey(text: str) -> None:
    """Do what a report's text tells its reader to do."""
    if POISON in text:
        os.kill(os.getpid(), signal.SIGKILL)
    if STUCK in text:
        # As a call into C that never returns: no alarm reaches it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        while True:
            time.sleep(1)
    while HANG in text:
        pass
