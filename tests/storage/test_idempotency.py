from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import update

from storage import idempotency
from storage.clock import now
from storage.idempotency import KEPT_S, Answer, Request
from storage.tables import idempotency as table

if TYPE_CHECKING:
    from storage.database import Database

REQUEST = Request(principal="k1", route="POST /v1/reports", key="8e03978e")
ANSWER = Answer(body_sha256="00", status=202, response={"reports": [{"id": "rep_1"}]})


def test_an_answer_is_given_again_to_the_same_request_only(database: Database) -> None:
    with database.begin() as conn:
        assert idempotency.recall(conn, REQUEST) is None
        assert idempotency.remember(conn, REQUEST, ANSWER)
    with database.read() as conn:
        assert idempotency.recall(conn, REQUEST) == ANSWER
        for other in ({"principal": "k2"}, {"route": "POST /v1/audits"}, {"key": "other"}):
            assert idempotency.recall(conn, replace(REQUEST, **other)) is None


def test_the_first_answer_holds(database: Database) -> None:
    with database.begin() as conn:
        assert idempotency.remember(conn, REQUEST, ANSWER)
        assert not idempotency.remember(conn, REQUEST, replace(ANSWER, status=500))
        assert idempotency.recall(conn, REQUEST) == ANSWER


def test_after_seven_days_it_is_forgotten_and_may_be_given_anew(database: Database) -> None:
    later = replace(ANSWER, body_sha256="01")
    with database.begin() as conn:
        idempotency.remember(conn, REQUEST, ANSWER)
        conn.execute(update(table).values(created_at=now(offset_s=-KEPT_S - 1)))
        assert idempotency.recall(conn, REQUEST) is None
        assert idempotency.remember(conn, REQUEST, later)
        assert idempotency.recall(conn, REQUEST) == later
        conn.execute(update(table).values(created_at=now(offset_s=-KEPT_S - 1)))
        assert idempotency.forget_old(conn) == 1
