from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from storage import sums
from storage.model import Reconciliation
from storage.tables import sums as table

if TYPE_CHECKING:
    from storage.database import Database


def test_before_anything_was_counted_there_is_nothing_to_tell(database: Database) -> None:
    with database.read() as conn:
        assert sums.last(conn) is None


def test_what_was_counted_last_takes_the_place_of_what_was_before(database: Database) -> None:
    first = Reconciliation(accepted=3, done=1, failed=0, cancelled=0, open=2)
    second = Reconciliation(accepted=6, done=3, failed=1, cancelled=1, open=0, deleted=1)
    for counted in (first, second):
        with database.begin() as conn:
            sums.keep(conn, counted)
        with database.read() as conn:
            found = sums.last(conn)
            assert conn.execute(select(func.count()).select_from(table)).scalar_one() == 1
        assert found is not None
        assert found.reports == counted
        assert abs(found.at - datetime.now(UTC)) < timedelta(minutes=1)
