"""Answers that were given to a client's ``Idempotency-Key``, to be given again.

Remember in the transaction that does the work: then there is no moment at which the work is done
and the answer forgotten.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from storage.clock import now
from storage.tables import idempotency

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sqlalchemy.engine import Connection

KEPT_S = 7 * 24 * 3600
_FORGOTTEN = ""
"""In the place of a body's digest."""
_REPORT_ID = re.compile(r"rep_[0-9a-z]{26}")


@dataclass(frozen=True, slots=True)
class Request:
    """What a client's word for a request is unique within."""

    principal: str
    """The id of the API key: two clients may choose the same word."""
    route: str
    """The route's template, for example ``POST /v1/reports``."""
    key: str
    """What the client sent as ``Idempotency-Key``."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, and to which body."""

    body_sha256: str
    """The same word with another body is the client's mistake."""
    status: int
    response: Mapping[str, Any]
    """Ids and states; never report text."""

    @property
    def is_forgotten(self) -> bool:
        """Whether a report that it names was deleted, and with it what was sent and answered."""
        return self.body_sha256 == _FORGOTTEN


def recall(conn: Connection, request: Request) -> Answer | None:
    """Return what was answered to this request in the last seven days."""
    query = select(idempotency).where(*_same(request), idempotency.c.created_at > _horizon())
    row = conn.execute(query).one_or_none()
    if row is None:
        return None
    return Answer(body_sha256=row.body_sha256, status=row.status, response=json.loads(row.response))


def remember(conn: Connection, request: Request, answer: Answer) -> bool:
    """Keep an answer; ``False`` where another transaction was first: roll back and recall.

    In PostgreSQL it waits for the other transaction's end.
    """
    conn.execute(delete(idempotency).where(*_same(request), idempotency.c.created_at <= _horizon()))
    values = {
        "principal": request.principal,
        "route": request.route,
        "key": request.key,
        "body_sha256": answer.body_sha256,
        "status": answer.status,
        "response": json.dumps(dict(answer.response), separators=(",", ":")),
        "created_at": now(),
    }
    dialect = sqlite if conn.dialect.name == "sqlite" else postgresql
    query = dialect.insert(idempotency).values(values).on_conflict_do_nothing()
    return conn.execute(query.returning(idempotency.c.key)).first() is not None


def forget_old(conn: Connection) -> int:
    """Delete what is older than seven days; return how many."""
    return conn.execute(delete(idempotency).where(idempotency.c.created_at <= _horizon())).rowcount


def naming(conn: Connection, ids: Collection[str]) -> list[Request]:
    """Return the requests whose answers name one of these reports.

    Reads all that is remembered, so it is asked once for many ids.
    """
    wanted = frozenset(ids)
    query = select(
        idempotency.c.principal, idempotency.c.route, idempotency.c.key, idempotency.c.response
    )
    if len(ids) == 1:
        query = query.where(idempotency.c.response.contains(next(iter(ids))))
    rows = conn.execute(query.execution_options(yield_per=1_000))
    return [
        Request(principal=row.principal, route=row.route, key=row.key)
        for row in rows
        if not wanted.isdisjoint(_REPORT_ID.findall(row.response))
    ]


def blank(conn: Connection, requests: Iterable[Request]) -> None:
    """Forget what was sent and answered, but not that it was: it must not bring a report back."""
    for request in requests:
        conn.execute(
            update(idempotency).where(*_same(request)).values(body_sha256=_FORGOTTEN, response="{}")
        )


def _horizon() -> now:
    return now(offset_s=-KEPT_S)


def _same(request: Request) -> tuple[Any, Any, Any]:
    columns = idempotency.c
    return (
        columns.principal == request.principal,
        columns.route == request.route,
        columns.key == request.key,
    )
