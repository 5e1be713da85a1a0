"""What the access log tells of one request or command: who, when, what, with what outcome."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

GENESIS = "0" * 64
"""What the first entry is chained to."""


class Action(StrEnum):
    """What somebody did, or was refused to do."""

    SUBMIT = "submit"
    """Posted reports, or an archive."""
    EXTRACT = "extract"
    """Had a report read at once, with nothing stored."""
    FOLLOW = "follow"
    """Looked at states and counts, where nothing is of one patient."""
    SEARCH = "search"
    """Listed reports or cases."""
    READ = "read"
    """Read what was found in a report."""
    READ_TEXT = "read_text"
    """Read the text of a report."""
    EXPORT = "export"
    """Took a whole file or table away."""
    CHANGE = "change"
    DELETE = "delete"
    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    READ_LOG = "read_log"
    """Read this log."""
    ADMINISTER = "administer"
    """Keys, restores, the log itself."""


DISCLOSING = frozenset(
    {
        Action.SEARCH,
        Action.READ,
        Action.READ_TEXT,
        Action.EXPORT,
        Action.DELETE,
        Action.READ_LOG,
    }
)
"""What must stand in the log before its answer leaves the house."""


class Outcome(StrEnum):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"
    """Not signed in, no right, or too often."""
    FAILED = "failed"


class Question(StrEnum):
    """The questions that are asked often."""

    ALL = "all"
    EXPORTS = "exports"
    """Texts, tables and files that were given out."""
    AFTER_HOURS = "after-hours"
    """What was done outside of working hours, and at weekends."""
    FAILED_SIGN_INS = "failed-sign-ins"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that somebody did. Names, numbers and our own ids; no word of any report."""

    action: Action
    outcome: Outcome
    caller: str | None = None
    """``key:<id>``, ``oidc:<name>``, ``user:<name>`` at the command line, ``dispatcher``; ``None`` for a stranger."""
    peer: str | None = None
    """The network address it came from."""
    method: str | None = None
    route: str | None = None
    """The template, ``/v1/reports/{id}``, or the command, ``marrow purge``."""
    target: str | None = None
    """Our id of the report, audit, key or session."""
    items: int | None = None
    """How many reports, rows or entries, where there is no one target."""
    status: int | None = None
    code: str | None = None
    """Of the problem that was answered."""
    request: str | None = None
    """The request's id, as in our other log."""
    times: int = 1
    """How many requests that differ in nothing else this entry stands for."""
    happened_s: float = field(default_factory=time.monotonic, compare=False)
    """When, by this process's monotonic clock: the database's clock is asked at the writing."""

    def values(self) -> tuple[str | int | None, ...]:
        """Return what is stored and hashed of it, in the order of the columns."""
        return (
            self.caller,
            self.peer,
            self.action.value,
            self.method,
            self.route,
            self.target,
            self.items,
            self.outcome.value,
            self.status,
            self.code,
            self.request,
            self.times,
        )


COLUMNS = (
    "caller",
    "peer",
    "action",
    "method",
    "route",
    "target",
    "items",
    "outcome",
    "status",
    "code",
    "request",
    "times",
)
"""The columns of :meth:`Entry.values`."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of the log. Kept elsewhere, it shows later that nothing before it changed."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"

    @classmethod
    def read(cls, written: str) -> Head:
        """Return what :meth:`__str__` wrote. Raises ValueError."""
        seq, _, digest = written.partition(":")
        if not seq.isascii() or not seq.isdecimal() or len(digest) != len(GENESIS):
            raise ValueError("not a head of the access log")
        return cls(int(seq), digest)


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry as it stands in the log."""

    seq: int
    at: datetime
    entry: Entry
    hash: str


def chained(previous: str, seq: int, at_ms: int, values: tuple[str | int | None, ...]) -> str:
    """Return the hash of an entry: over all of it, and over the hash of the one before."""
    document = json.dumps([previous, seq, at_ms, *values], separators=(",", ":"))
    return hashlib.sha256(document.encode()).hexdigest()
