"""What is costly to make and never changes, kept for a while in this process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Things by name, those that were asked for last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._things: OrderedDict[str, T] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, name: str, make: Callable[[], T]) -> T:
        """Return the thing of a name, made by ``make`` where it is not there."""
        with self._lock:
            # Made under the lock: two who ask at once would both go through a whole file.
            if name not in self._things:
                self._things[name] = make()
            self._things.move_to_end(name)
            while len(self._things) > self._most:
                self._things.popitem(last=False)
            return self._things[name]
