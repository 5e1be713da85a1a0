"""Store what was posted, once for each ``Idempotency-Key``, and ring for it.

The answer to a key is remembered in the transaction that stores the reports, so a client that
lost its answer may send the same request again: it gets the same reports, whatever happened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from fastapi import Request
from starlette.concurrency import run_in_threadpool

from api.admission import Admission
from api.callers import Caller
from api.problems import Code, FieldError, Problem
from api.service import Service
from api.validation import failed
from storage import idempotency, reports
from storage.database import Database
from storage.idempotency import Answer
from storage.model import Accepted, Lane, NewReport, ReportState

MAX_KEY_CHARS = 200
HEADER = "Idempotency-Key"
_LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Once:
    """A request that is done once, however often it is sent."""

    request: idempotency.Request
    body_sha256: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What became of the posted reports, in their order."""

    reports: Sequence[Accepted]
    is_replayed: bool = False
    """It was done before, under the same ``Idempotency-Key``."""


class Door(Protocol):
    """Where reports come in: over HTTP, or over a feed."""

    database: Database
    admission: Admission


class OtherWasFirstError(Exception):
    """The same request was stored by another one meanwhile; rolls our transaction back."""


async def read_once(request: Request, key: Caller, route: str) -> Once | None:
    """Return what the request's ``Idempotency-Key`` asks for; ``None`` without the header."""
    if HEADER not in request.headers:
        return None
    digest = hashlib.sha256(await request.body()).hexdigest()
    return once(request, key, route, body_sha256=digest)


def once(request: Request, key: Caller, route: str, *, body_sha256: str) -> Once | None:
    """Return the same where the body was read, and its digest taken, by others."""
    word = request.headers.get(HEADER)
    if word is None:
        return None
    if not (0 < len(word) <= MAX_KEY_CHARS and word.isascii() and word.isprintable()):
        detail = f"must have 1 to {MAX_KEY_CHARS} printable ASCII characters"
        raise failed([FieldError(code="WRONG_FORM", detail=detail, parameter=HEADER)])
    return Once(idempotency.Request(principal=key.id, route=route, key=word), body_sha256)


async def accept(
    service: Service, posted: Sequence[NewReport], *, lane: Lane, once: Once | None
) -> Acceptance:
    """Store reports and ring for those that are new; or recall what was stored before."""
    acceptance = await run_in_threadpool(store_once, service, posted, lane=lane, once=once)
    fresh = [one for one in acceptance.reports if one.is_new and one.work_id is not None]
    _LOG.info("reports_accepted", accepted=len(acceptance.reports), lane=lane.value)
    if fresh and not acceptance.is_replayed:
        service.ring_soon((one.work_id for one in fresh if one.work_id is not None), lane)
    return acceptance


def store_once(
    door: Door, posted: Sequence[NewReport], *, lane: Lane, once: Once | None
) -> Acceptance:
    """Store reports in one transaction, or recall what was stored before; nobody is told of it."""
    try:
        return _store(door, posted, lane=lane, once=once)
    except OtherWasFirstError:
        # What the other one remembered is committed by now.
        return _store(door, posted, lane=lane, once=once)


def _store(door: Door, posted: Sequence[NewReport], *, lane: Lane, once: Once | None) -> Acceptance:
    with door.database.begin() as conn:
        if once is not None:
            answer = idempotency.recall(conn, once.request)
            if answer is not None:
                return _replay(answer, once)
        door.admission.check(conn)
        accepted = reports.accept(conn, posted, lane=lane)
        if once is not None and not idempotency.remember(
            conn, once.request, _answer(once, accepted)
        ):
            raise OtherWasFirstError
    return Acceptance(accepted)


def check_same(answer: Answer, once: Once) -> None:
    """Raise Problem where a word comes again with another body, or what it stood for was deleted."""
    if answer.is_forgotten:
        # Whether this is the same body is not known any more: to take it for the same could lose
        # a report, to store it could bring one back.
        raise Problem(
            Code.REPORT_DELETED,
            f"A report sent under this `{HEADER}` was deleted; send what is still wanted under a "
            "new one.",
        )
    if answer.body_sha256 != once.body_sha256:
        raise Problem(
            Code.IDEMPOTENCY_KEY_REUSED,
            f"The `{HEADER}` was sent before with another body; take a new one.",
        )


def _replay(answer: Answer, once: Once) -> Acceptance:
    check_same(answer, once)
    return Acceptance([_recalled(one) for one in answer.response["reports"]], is_replayed=True)


def _answer(once: Once, accepted: Sequence[Accepted]) -> Answer:
    kept = [
        {
            "id": one.id,
            "report_id": one.report_id,
            "state": one.state.value,
            "is_new": one.is_new,
            "version": one.version,
        }
        for one in accepted
    ]
    return Answer(body_sha256=once.body_sha256, status=202, response={"reports": kept})


def _recalled(kept: Mapping[str, Any]) -> Accepted:
    return Accepted(
        id=kept["id"],
        report_id=kept["report_id"],
        state=ReportState(kept["state"]),
        is_new=kept["is_new"],
        work_id=None,
        version=kept["version"],
    )
