"""Conditions on the state of a unit of work, so written that the index of the open ones serves them.

The index is partial: it has the few units that are open and not the millions that are done. A
database sees that a query fits it only where the states stand in the query itself; as parameters
they could be anything, and SQLite reads the whole table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, literal

from storage.model import WorkState
from storage.tables import work

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

IS_OPEN: ColumnElement[bool] = work.c.state.in_(
    bindparam(
        "open_states",
        [WorkState.PENDING.value, WorkState.LEASED.value],
        expanding=True,
        literal_execute=True,
    )
)
"""Pending or leased, as the index says it."""


def _is(state: WorkState) -> ColumnElement[bool]:
    return work.c.state == literal(state.value, literal_execute=True)


IS_PENDING = and_(IS_OPEN, _is(WorkState.PENDING))
IS_LEASED = and_(IS_OPEN, _is(WorkState.LEASED))
IS_QUARANTINED = _is(WorkState.QUARANTINED)
"""Of which there is an index of its own."""
