"""Times as people read them: in UTC, to the minute, with the machine's form beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from datetime import datetime

_LONG_S = 90
"""From here on, the next larger unit."""
_TIME = Markup('<time datetime="{exact}">{shown}</time>')


def moment(at: datetime) -> Markup:
    """Return a time to the minute."""
    exact = at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return _TIME.format(exact=exact, shown=f"{at:%Y-%m-%d %H:%M} UTC")


def day(at: datetime) -> Markup:
    """Return the day of a time."""
    return _TIME.format(exact=f"{at:%Y-%m-%d}", shown=f"{at:%Y-%m-%d}")


def duration(seconds: float) -> str:
    """Return how long something takes, as people say it."""
    if seconds < _LONG_S:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < _LONG_S else f"{minutes // 60} h {minutes % 60} min"
