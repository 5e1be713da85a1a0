"""Errors as RFC 9457 problems: the one place where a code meets its HTTP status.

A problem never repeats a value of the request. Its detail is written where it is raised, from what
the schema says, never from what the client sent: a report's text in an error body would end up in
the logs of whoever called. Codes are stable and part of the API; titles and details may improve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:marrow:problem:"


class Code(StrEnum):
    """What went wrong, for programs."""

    INVALID_JSON = "INVALID_JSON"
    INVALID_UNICODE = "INVALID_UNICODE"
    BAD_CURSOR = "BAD_CURSOR"
    BAD_REQUEST = "BAD_REQUEST"
    KEY_MISSING = "KEY_MISSING"
    KEY_INVALID = "KEY_INVALID"
    SESSION_OVER = "SESSION_OVER"
    SCOPE_MISSING = "SCOPE_MISSING"
    OTHER_ORIGIN = "OTHER_ORIGIN"
    TLS_NEEDED = "TLS_NEEDED"
    SIGN_IN_FAILED = "SIGN_IN_FAILED"
    NO_ROLE = "NO_ROLE"
    REPORT_NOT_FOUND = "REPORT_NOT_FOUND"
    REPORT_DELETED = "REPORT_DELETED"
    SESSION_NOT_FOUND = "SESSION_NOT_FOUND"
    AUDIT_NOT_FOUND = "AUDIT_NOT_FOUND"
    AUDIT_NOT_DONE = "AUDIT_NOT_DONE"
    AUDIT_OVER = "AUDIT_OVER"
    SAMPLE_NOT_FOUND = "SAMPLE_NOT_FOUND"
    ITEM_NOT_FOUND = "ITEM_NOT_FOUND"
    ARCHIVE_CHANGED = "ARCHIVE_CHANGED"
    REVIEWERS_FULL = "REVIEWERS_FULL"
    VERDICT_STANDS = "VERDICT_STANDS"
    NOT_DISPUTED = "NOT_DISPUTED"
    ARCHIVE_UNREADABLE = "ARCHIVE_UNREADABLE"
    UPLOAD_NOT_FOUND = "UPLOAD_NOT_FOUND"
    UPLOAD_OFFSET = "UPLOAD_OFFSET"
    UPLOAD_NOT_WHOLE = "UPLOAD_NOT_WHOLE"
    UPLOAD_TAKEN = "UPLOAD_TAKEN"
    UPLOAD_DAMAGED = "UPLOAD_DAMAGED"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    TOO_MANY_UPLOADS = "TOO_MANY_UPLOADS"
    TUS_VERSION = "TUS_VERSION"
    ROUTE_NOT_FOUND = "ROUTE_NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    HOST_UNKNOWN = "HOST_UNKNOWN"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    VALIDATION_FAILED = "VALIDATION_FAILED"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    NOT_READY = "NOT_READY"
    BUSY = "BUSY"
    PROVIDER_UNAVAILABLE = "PROVIDER_UNAVAILABLE"
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"
    STORAGE_FULL = "STORAGE_FULL"


@dataclass(frozen=True, slots=True)
class Kind:
    """The status and the title that every problem of one code has."""

    status: int
    title: str


KINDS: Mapping[Code, Kind] = {
    Code.INVALID_JSON: Kind(400, "The body is not JSON"),
    Code.INVALID_UNICODE: Kind(400, "The body is not valid Unicode"),
    Code.BAD_CURSOR: Kind(400, "The cursor is not one of ours"),
    Code.BAD_REQUEST: Kind(400, "The request cannot be read"),
    Code.KEY_MISSING: Kind(401, "An API key is needed"),
    Code.KEY_INVALID: Kind(401, "The API key is not valid"),
    Code.SESSION_OVER: Kind(401, "You are not signed in any more"),
    Code.SCOPE_MISSING: Kind(403, "The API key may not do this"),
    Code.OTHER_ORIGIN: Kind(403, "The request came from another site"),
    Code.TLS_NEEDED: Kind(403, "This needs TLS"),
    Code.SIGN_IN_FAILED: Kind(403, "You are not signed in"),
    Code.NO_ROLE: Kind(403, "You have no role here"),
    Code.REPORT_NOT_FOUND: Kind(404, "There is no such report"),
    Code.REPORT_DELETED: Kind(410, "The report was deleted"),
    Code.SESSION_NOT_FOUND: Kind(404, "There is no such session"),
    Code.AUDIT_NOT_FOUND: Kind(404, "There is no such audit"),
    Code.AUDIT_NOT_DONE: Kind(409, "The audit has no results yet"),
    Code.AUDIT_OVER: Kind(409, "The audit is over already"),
    Code.SAMPLE_NOT_FOUND: Kind(404, "There is no such sample"),
    Code.ITEM_NOT_FOUND: Kind(404, "There is no such report in the sample"),
    Code.ARCHIVE_CHANGED: Kind(409, "The archive is not the one that was audited"),
    Code.REVIEWERS_FULL: Kind(409, "Two others review this sample"),
    Code.VERDICT_STANDS: Kind(409, "The report was decided between the reviewers"),
    Code.NOT_DISPUTED: Kind(409, "No two reviewers disagree on this report"),
    Code.ROUTE_NOT_FOUND: Kind(404, "There is nothing at this address"),
    Code.METHOD_NOT_ALLOWED: Kind(405, "This address does not take that method"),
    Code.UPLOAD_NOT_FOUND: Kind(404, "There is no such upload"),
    Code.UPLOAD_OFFSET: Kind(409, "The upload stands at another place"),
    Code.UPLOAD_NOT_WHOLE: Kind(409, "The upload has not arrived whole"),
    Code.UPLOAD_TAKEN: Kind(409, "The upload belongs to an audit already"),
    Code.TUS_VERSION: Kind(412, "The protocol of uploads is another"),
    Code.BODY_TOO_LARGE: Kind(413, "The body is too large"),
    Code.UNSUPPORTED_MEDIA_TYPE: Kind(415, "The body is of a kind that is not read"),
    Code.HOST_UNKNOWN: Kind(421, "The service has another name"),
    Code.VALIDATION_FAILED: Kind(422, "The request does not fit the schema"),
    Code.ARCHIVE_UNREADABLE: Kind(422, "The archive cannot be read"),
    Code.UPLOAD_DAMAGED: Kind(422, "What arrived is not what was announced"),
    Code.TOO_MANY_REQUESTS: Kind(429, "Too many requests"),
    Code.TOO_MANY_UPLOADS: Kind(429, "Too many uploads are waiting"),
    Code.IDEMPOTENCY_KEY_REUSED: Kind(422, "The idempotency key belongs to another request"),
    Code.INTERNAL_ERROR: Kind(500, "Something failed on our side"),
    Code.NOT_READY: Kind(503, "The service is starting"),
    Code.PROVIDER_UNAVAILABLE: Kind(503, "The sign-in provider does not answer"),
    Code.BUSY: Kind(503, "The service is busy"),
    Code.STORAGE_UNAVAILABLE: Kind(503, "The database does not answer"),
    Code.STORAGE_FULL: Kind(507, "There is no room to store this"),
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of the request, at one place of it."""

    code: str
    """UPPER_SNAKE, for example ``TOO_LONG``."""
    detail: str
    """What the schema asks for; never what was sent."""
    pointer: str | None = None
    """JSON pointer (RFC 6901) into the body."""
    parameter: str | None = None
    """Name of the query parameter or header."""

    def to_dict(self) -> dict[str, str]:
        """Return the members that are set."""
        members = {
            "pointer": self.pointer,
            "parameter": self.parameter,
            "code": self.code,
            "detail": self.detail,
        }
        return {name: value for name, value in members.items() if value is not None}


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem, and so do we everywhere
    """Raised anywhere below a route to answer with a problem."""

    def __init__(
        self,
        code: Code,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status that belongs to the code."""
        return KINDS[self.code].status


def problem_document(problem: Problem, request_id: str) -> dict[str, Any]:
    """Return the JSON members of a problem; ``instance`` names the request in our log."""
    kind = KINDS[problem.code]
    return {
        "type": TYPE_PREFIX + problem.code.lower().replace("_", "-"),
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "instance": f"urn:uuid:{request_id}",
        "code": problem.code.value,
        "errors": [error.to_dict() for error in problem.errors],
    }


def problem_response(problem: Problem, request_id: str) -> JSONResponse:
    """Return the response for a problem."""
    return JSONResponse(
        problem_document(problem, request_id),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=problem.headers,
    )
