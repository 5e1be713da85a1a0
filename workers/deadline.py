"""A deadline for one report, by the alarm of the operating system."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_AGAIN_S = 0.5


class ReportTimeoutError(BaseException):
    """The time of a report is over.

    No Exception: libraries catch those, and would carry on.
    """


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise ReportTimeoutError in the block after ``seconds``; main thread only.

    It interrupts Python code and regular expressions, but no single long call into C; for that
    there is Celery's time limit.
    """
    armed = True

    def ring(number: int, frame: FrameType | None) -> None:
        del number, frame
        if armed:
            raise ReportTimeoutError

    before = signal.signal(signal.SIGALRM, ring)
    # Again and again, in case somebody swallows the first one.
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_S)
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
