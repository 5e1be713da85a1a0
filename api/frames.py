"""Where an exception passed: what may be told of it without its message."""

from __future__ import annotations

import traceback


def frames(error: BaseException) -> list[str]:
    """Return ``file:line function`` of each frame, innermost last: no message, no values."""
    passed = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in passed]
