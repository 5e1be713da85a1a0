"""A problem as a page, where a person's browser asked and not a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from api.pages.rendering import page
from api.problems import KINDS, problem_response

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from api.problems import Problem

_PROGRAMS = ("/v1", "/healthz", "/openapi.json", "/metrics")
"""Below these paths all answers are for programs."""


def answer(scope: MutableMapping[str, Any], problem: Problem, request_id: str) -> Response:
    """Return the answer to a request that came to nothing, in the form that the client reads."""
    request = Request(scope)
    if not is_for_people(request):
        return problem_response(problem, request_id)
    return page(
        request,
        "problem.html.j2",
        visitor=getattr(request.state, "visitor", None),
        status=problem.status,
        headers=problem.headers,
        title=KINDS[problem.code].title,
        problem=problem,
        request_id=request_id,
    )


def is_for_people(request: Request) -> bool:
    """Say whether a browser asked for a page."""
    path = request.url.path
    return not path.startswith(_PROGRAMS) and "text/html" in request.headers.get("accept", "")
