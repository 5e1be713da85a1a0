"""The code of a problem, in whichever of the two forms the service tells one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

PROBLEM = "application/problem+json"
FHIR = "application/fhir+json"


def problem_code(answer: httpx.Response) -> str | None:
    """Return the code; ``None`` for a success, and where there is no body to tell it."""
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if answer.status_code < 400 or not answer.content:
        return None
    if media_type == PROBLEM:
        return str(answer.json()["code"])
    if media_type == FHIR:
        return str(answer.json()["issue"][0]["details"]["text"])
    return None
