"""Whether the access log is as it was written: every entry, in its place, to the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from storage.access_model import COLUMNS, Head, chained
from storage.clock import millis
from storage.tables import access_log, access_log_head

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

    from storage.rows import AnyRow

_FETCH = 2_000
MOST_FAULTS = 20
"""More are counted, not told."""


@dataclass(frozen=True, slots=True)
class Check:
    """What looking at every entry found."""

    first: int
    """The number of the first entry that is kept."""
    entries: int
    head: Head
    faults: tuple[str, ...]
    more_faults: int
    heads_matched: int
    """How many of the heads that were kept elsewhere are in the log as they were."""
    heads_before: int
    """How many are of entries that are deleted by age: nothing can be said of them."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        return not self.faults


def check(conn: Connection, known: Iterable[Head] = ()) -> Check:
    """Walk the whole chain. ``known``: heads that were kept where nobody could change them.

    Who can write to the database could compute a whole new chain, so only a head that was kept
    elsewhere shows that the log up to it is the one that was written then.
    """
    return _Walk(conn.execute(select(access_log_head)).one(), known).through(conn)


class _Walk:
    """One walk along the chain."""

    def __init__(self, head: AnyRow, known: Iterable[Head]) -> None:
        self._head = Head(head.seq, head.hash)
        self._start = head.start_seq
        self._last = Head(head.start_seq, head.start_hash)
        self._wanted = {one.seq: one.hash for one in known}
        self._matched = 0
        self._entries = 0
        self._faults: list[str] = []

    def through(self, conn: Connection) -> Check:
        """Look at every entry, and tell what was found."""
        self._match(self._last)
        rows = conn.execute(
            select(access_log).order_by(access_log.c.seq).execution_options(yield_per=_FETCH)
        )
        for row in rows:
            self._look_at(row)
        self._look_at_the_end()
        before = sum(seq < self._start for seq in self._wanted)
        return Check(
            first=self._start + 1,
            entries=self._entries,
            head=self._head,
            faults=tuple(self._faults[:MOST_FAULTS]),
            more_faults=max(0, len(self._faults) - MOST_FAULTS),
            heads_matched=self._matched,
            heads_before=before,
        )

    def _look_at(self, row: AnyRow) -> None:
        self._entries += 1
        if row.seq != self._last.seq + 1:
            missing = _range(self._last.seq + 1, row.seq - 1)
            self._faults.append(f"gap: {missing} missing")
        elif _hash(self._last.hash, row) != row.hash:
            self._faults.append(f"edited: entry {row.seq} is not as it was written")
        # Goes on from what stands there, to find each fault by itself.
        self._last = Head(row.seq, row.hash)
        self._match(self._last)

    def _match(self, found: Head) -> None:
        wanted = self._wanted.get(found.seq)
        if wanted is None:
            return
        if wanted == found.hash:
            self._matched += 1
        else:
            self._faults.append(f"rewritten: entry {found.seq} is not the one whose head was kept")

    def _look_at_the_end(self) -> None:
        if self._last.seq < self._head.seq:
            missing = _range(self._last.seq + 1, self._head.seq)
            self._faults.append(f"cut: {missing} missing at the end")
        elif self._last != self._head:
            self._faults.append("end: the last entry is not the one that the head tells")
        end = max(self._last.seq, self._head.seq)
        self._faults += [
            f"cut: the log ends at entry {end}, and a head of entry {seq} was kept"
            for seq in sorted(self._wanted)
            if seq > end
        ]


def _hash(previous: str, row: AnyRow) -> str:
    values = tuple(getattr(row, name) for name in COLUMNS)
    return chained(previous, row.seq, millis(row.at), values)


def _range(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"
