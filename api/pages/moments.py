"""Times as people read them: in UTC, to the minute, with the machine's form beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from datetime import datetime

_TIME = Markup('<time datetime="{exact}">{shown}</time>')


def moment(at: datetime) -> Markup:
    """Return a time to the minute."""
    exact = at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return _TIME.format(exact=exact, shown=f"{at:%Y-%m-%d %H:%M} UTC")


def day(at: datetime) -> Markup:
    """Return the day of a time."""
    return _TIME.format(exact=f"{at:%Y-%m-%d}", shown=f"{at:%Y-%m-%d}")
