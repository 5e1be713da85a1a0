"""Time in the database: whole milliseconds since 1970 (UTC), read from the database's own clock.

One clock decides about leases, whatever the clocks of the hosts say. An integer compares and
adds the same way in SQLite and PostgreSQL, and Python sees aware datetimes only.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def millis(at: datetime) -> int:
    """Return a moment as it is stored: whole milliseconds since 1970."""
    return (at - _EPOCH) // _MILLISECOND


class UtcMillis(TypeDecorator[datetime]):
    """An aware datetime, kept as milliseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Turn an aware datetime into milliseconds."""
        del dialect
        return None if value is None else millis(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Turn milliseconds into an aware datetime."""
        del dialect
        return None if value is None else _EPOCH + value * _MILLISECOND


class now(ColumnElement[datetime]):  # noqa: N801 (reads as SQL does)
    """The database's clock, moved by ``offset_s`` seconds."""

    inherit_cache = False
    type = UtcMillis()

    def __init__(self, *, offset_s: float = 0) -> None:
        self.offset_ms = round(offset_s * 1000)


@compiles(now, "sqlite")
def _now_sqlite(element: now, compiler: Any, **options: Any) -> str:
    del compiler, options
    # 2440587.5 is the Julian day of 1970-01-01. `unixepoch('subsec')` would need SQLite 3.42.
    clock = "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"
    return f"({clock} + {element.offset_ms})"


@compiles(now, "postgresql")
def _now_postgresql(element: now, compiler: Any, **options: Any) -> str:
    del compiler, options
    # clock_timestamp, as now() stands still for the length of a transaction.
    clock = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
    return f"({clock} + {element.offset_ms})"
