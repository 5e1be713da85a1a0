"""Names for rows: sortable by the time they were made, and impossible to guess."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no i, l, o, u, so that nobody misreads an id; sorts as its value does."""
_DIGITS = 26
_LOCK = threading.Lock()
_last = 0


def _next_value() -> int:
    """Return 128 bits: 48 of milliseconds, 80 random, always more than the value before."""
    global _last  # noqa: PLW0603 (the point is one counter for the process)
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    with _LOCK:
        # Within one millisecond, or when the clock goes back: one more than the last one.
        _last = max(value, _last + 1)
        return _last


def new_id(prefix: str) -> str:
    """Return ``<prefix>_`` and 26 characters that sort by time, like a ULID or UUIDv7."""
    value = _next_value()
    digits = [_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5)]
    return f"{prefix}_{''.join(digits)}"


def first_id(prefix: str, moment: datetime) -> str:
    """Return what sorts before every id that was made after a moment, and behind those before."""
    value = int(moment.timestamp() * 1000) << 80
    return f"{prefix}_{''.join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))}"


def made_at_s(id_: str) -> float:
    """Return when an id was made, in seconds since 1970. Raises ValueError where it is none of ours."""
    _, _, digits = id_.partition("_")
    if len(digits) != _DIGITS:
        raise ValueError(_DIGITS)
    value = 0
    for digit in digits:
        value = value << 5 | _ALPHABET.index(digit)
    return (value >> 80) / 1000
