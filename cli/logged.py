"""What commands leave in the access log: who ran which, on this machine."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.access_model import Action, Entry


def who() -> str:
    """Return who runs the command, as the log and tombstones call him."""
    return f"user:{getpass.getuser()}"


def entry(
    command: str, action: Action, *, target: str | None = None, items: int | None = None
) -> Entry:
    """Return the entry of a command, to be appended in the transaction that does it."""
    from storage.access_model import Entry, Outcome

    return Entry(action, Outcome.DONE, caller=who(), route=command, target=target, items=items)
