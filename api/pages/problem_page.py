"""A problem as a page, where a person's browser asked and not a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from api.fhir_problems import is_fhir_path, outcome_response
from api.pages.rendering import page
from api.pages.sign_in_page import sign_in_page
from api.problems import KINDS, Code, problem_response
from api.security import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from api.problems import Problem

_SIGN_IN = frozenset({Code.KEY_MISSING, Code.SESSION_OVER})
"""What is mended by signing in."""


def answer(scope: MutableMapping[str, Any], problem: Problem, request_id: str) -> Response:
    """Return the answer to a request that came to nothing, in the form that the client reads."""
    request = Request(scope)
    if is_fhir_path(scope["path"]):
        return outcome_response(problem, request_id)
    if not is_for_people(request):
        return problem_response(problem, request_id)
    if problem.code in _SIGN_IN:
        return _sign_in(request, problem)
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


def _sign_in(request: Request, problem: Problem) -> Response:
    """Return the form to sign in, in the place of the page that was asked for."""
    path, query = request.scope["path"], request.scope["query_string"].decode("latin-1")
    wanted = f"{path}?{query}" if query else path
    headers = dict(problem.headers)
    if "hx-request" in request.headers:
        # A part of a page was asked for: the whole one is loaded again, and is this form then.
        headers["HX-Refresh"] = "true"
    return sign_in_page(
        request,
        next_path=wanted if request.method == "GET" else "/",
        is_needed=True,
        headers=headers,
    )


def is_for_people(request: Request) -> bool:
    """Say whether a browser asked for a page."""
    path = request.url.path
    return not path.startswith(PROGRAMS) and "text/html" in request.headers.get("accept", "")
