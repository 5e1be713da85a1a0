"""Problems as FHIR clients read them: OperationOutcome, for everything below ``/fhir``."""

from __future__ import annotations

import re

from starlette.responses import JSONResponse

from api.problems import FieldError, Problem
from standards.fhir import MEDIA_TYPE
from standards.fhir.outcome import Issue, operation_outcome

FHIR_PATH = "/fhir"
_TYPES = {
    400: "structure",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    409: "conflict",
    410: "deleted",
    413: "too-long",
    415: "not-supported",
    422: "invalid",
    429: "throttled",
    500: "exception",
    503: "transient",
    507: "no-store",
}
"""Issue types by status; what has none is ``processing``."""


class FhirResponse(JSONResponse):
    """A FHIR resource as JSON."""

    media_type = MEDIA_TYPE


def is_fhir_path(path: str) -> bool:
    """Say whether who asks at a path reads FHIR."""
    return path == FHIR_PATH or path.startswith(FHIR_PATH + "/")


def outcome_response(problem: Problem, request_id: str) -> FhirResponse:
    """Return a problem as an OperationOutcome: an issue for each of its faults, else one."""
    kind = _TYPES.get(problem.status, "processing")
    issues = [
        Issue(kind, error.detail, details=error.code, expression=_expression(error))
        for error in problem.errors
    ] or [Issue(kind, problem.detail, details=problem.code.value)]
    outcome = operation_outcome(issues) | {"id": request_id}
    return FhirResponse(outcome, status_code=problem.status, headers=problem.headers)


def _expression(error: FieldError) -> str | None:
    """Return a JSON pointer of ours into a Bundle as FHIRPath."""
    if error.pointer is None or not error.pointer.startswith("/entry/"):
        return None
    return "Bundle" + re.sub(r"\.(\d+)", r"[\1]", error.pointer.replace("/", "."))
