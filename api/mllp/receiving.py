"""One message: read, stored, answered. Stored as ``POST /v1/reports`` stores, in one transaction.

A message that comes again (the RIS did not get our answer, or was restarted) is known by sender,
MSH-10 and content and gives the same reports. MSH-10 alone is not enough: senders count from one
again, and a report must not be lost for that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from uuid import uuid4

import structlog

from api.accepting import Once, store_once
from api.admission import Admission
from api.frames import frames
from api.posted import TextTooLongError, new_report
from api.problems import Code, Problem
from archives import Refusal
from archives.hl7v2 import decode_message, message_entries
from archives.hl7v2_frames import Frame
from archives.hl7v2_syntax import NotHl7Error, Segment, parse_message
from standards.hl7v2 import Condition, Fault, Verdict, acknowledgement
from storage import idempotency
from storage.database import Database
from storage.errors import InvalidReportError, StorageError
from storage.model import Accepted, Lane, NewReport

CALLER = "mllp"
"""Who sends, in the access log and as the owner of what was sent once."""
ROUTE = "MLLP ORU^R01"
_LOG = structlog.get_logger()
_AGAIN = "Nothing was stored. Send it again later."


class RefusedError(Exception):
    """The message is not accepted."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.condition.name)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message."""

    answer: bytes
    """The acknowledgement, to be sent now."""
    fault: Fault | None
    accepted: Sequence[Accepted] = ()

    @property
    def work_ids(self) -> set[int]:
        """The units of work to ring for."""
        return {one.work_id for one in self.accepted if one.is_new and one.work_id is not None}


class Receiver:
    """Stores messages. Safe to share between threads."""

    def __init__(self, database: Database, admission: Admission) -> None:
        self.database = database
        self.admission = admission

    def receive(self, body: bytes) -> Receipt:
        """Store a message's reports and return the receipt: after the commit, or a reason why not.

        Never raises: whatever goes wrong, the sender has to be told that nothing was stored.
        """
        head: Segment | None = None
        accepted: Sequence[Accepted] = ()
        try:
            head = _head(body)
            accepted = self._store(head, body)
            fault = None
        except RefusedError as error:
            fault = error.fault
        except Exception as error:  # noqa: BLE001 - the edge: a message is a request
            _LOG.error("message_failed", error_type=type(error).__name__, frames=frames(error))
            fault = Fault(Verdict.REJECTED, Condition.INTERNAL, _AGAIN)
        return Receipt(_answer(head, fault), fault, accepted)

    def refuse(self, beginning: bytes, fault: Fault) -> Receipt:
        """Return the receipt of a message of which only the beginning was read."""
        try:
            head = _head(beginning)
        except RefusedError:
            head = None
        return Receipt(_answer(head, fault), fault)

    def _store(self, head: Segment, body: bytes) -> Sequence[Accepted]:
        posted = _reports(body)
        once = _once(head, posted)
        try:
            return store_once(self, posted, lane=Lane.INTERACTIVE, once=once).reports
        except InvalidReportError as error:
            raise RefusedError(_invalid(error)) from None
        except Problem as problem:
            raise RefusedError(_refusal(problem)) from None
        except StorageError as error:
            _LOG.warning("message_not_stored", code=error.code)
            raise RefusedError(Fault(Verdict.REJECTED, Condition.INTERNAL, _AGAIN)) from None


def _head(body: bytes) -> Segment:
    try:
        head = parse_message(decode_message(body))[0]
    except NotHl7Error as error:
        raise RefusedError(
            Fault(Verdict.REJECTED, Condition.SEGMENT_SEQUENCE, str(error))
        ) from None
    return head


def _reports(body: bytes) -> list[NewReport]:
    """Return the reports of a message, or raise RefusedError: all are stored, or none."""
    found: list[NewReport] = []
    for entry in message_entries(Frame(1, body), "message"):
        if isinstance(entry, Refusal):
            raise RefusedError(_unread(entry))
        try:
            found.append(new_report(entry))
        except TextTooLongError as error:
            fault = Fault(Verdict.ERROR, Condition.DATA_TYPE, str(error))
            raise RefusedError(fault) from None
    return found


def _once(head: Segment, posted: Sequence[NewReport]) -> Once:
    """Return what makes a message the same when it comes again. Raises RefusedError."""
    if not head.raw(10).strip():
        reason = "MSH-10 is empty, so that no answer could be matched to the message."
        raise RefusedError(Fault(Verdict.ERROR, Condition.REQUIRED_FIELD_MISSING, reason))
    content = _digest([asdict(report) for report in posted])
    word = _digest([head.raw(3), head.raw(4), head.raw(10), content])
    request = idempotency.Request(principal=CALLER, route=ROUTE, key=word)
    return Once(request, body_sha256=content)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _unread(refusal: Refusal) -> Fault:
    if refusal.code == "not_a_result_message":
        kind = Condition.UNSUPPORTED_MESSAGE_TYPE
        return Fault(Verdict.REJECTED, kind, "Only result messages (ORU) are read.")
    return Fault(Verdict.ERROR, Condition.REQUIRED_FIELD_MISSING, refusal.detail)


def _invalid(error: InvalidReportError) -> Fault:
    reason = f"The field {error.field} is too long or holds characters that cannot be stored."
    return Fault(Verdict.ERROR, Condition.DATA_TYPE, reason)


def _refusal(problem: Problem) -> Fault:
    if problem.code is Code.REPORT_DELETED:
        reason = "A report of this message was deleted. It is not stored a second time."
        return Fault(Verdict.ERROR, Condition.DUPLICATE_KEY, reason)
    reason = "Too many reports wait to be read. Nothing was stored. Send it again later."
    return Fault(Verdict.REJECTED, Condition.INTERNAL, reason)


def _answer(head: Segment | None, fault: Fault | None) -> bytes:
    control_id = uuid4().hex[:20]
    text = acknowledgement(head, fault, control_id=control_id, at=datetime.now(UTC))
    return text.encode("utf-8", "replace")
