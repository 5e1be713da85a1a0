"""The edge of every request: its id, its log lines, its headers, and the end of all errors.

What no route or handler caught ends here as a 500 problem. It is not raised again, because the
server would log its message, and a message may quote a report. A log line names the route's
template, never the path or the query, whose words are the client's.
"""

from __future__ import annotations

import time
import uuid

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access import METHODS, NotLoggedError, entry_of
from api.frames import frames
from api.headers import add_headers
from api.pages import problem_page
from api.problems import Code, Problem
from api.security import declared_action
from storage.access_model import DISCLOSING, Outcome

_LOG = structlog.get_logger()
_QUIET = frozenset({"/healthz/live", "/healthz/ready"})
"""Routes that are asked every few seconds: logged only where they fail."""


class Edge:
    """The outermost ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        try:
            await self._app(scope, receive, exchange.send)
        except Problem as problem:
            await exchange.answer(problem, receive)
        except NotLoggedError:
            await exchange.answer(_not_logged(), receive)
        except Exception as error:  # noqa: BLE001 - the edge of the request
            _LOG.error(
                "request_failed",
                request=exchange.request_id,
                error_type=type(error).__name__,
                frames=frames(error),
            )
            await exchange.answer(_internal_error(), receive)
        finally:
            exchange.log()


class _Exchange:
    """One request and what was answered."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.request_id = str(uuid.uuid4())
        self._scope = scope
        self._send = send
        self._status: int | None = None
        self._started = time.perf_counter()
        scope.setdefault("state", {})["request_id"] = self.request_id

    async def send(self, message: Message) -> None:
        """Pass a message on, with our headers on the first one."""
        if message["type"] == "http.response.start":
            await self._note(message["status"])
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self.request_id
            headers.update(self._scope["state"].get("rate_limit", {}))
            add_headers(headers, scheme=self._scope["scheme"])
        await self._send(message)

    async def _note(self, status: int) -> None:
        """Put the request into the access log, before anything of the answer is sent."""
        entry = entry_of(self._scope, status, declared_action(self._scope.get("route")))
        if entry is None:
            return
        log = self._scope["app"].state.service.access_log
        if entry.action in DISCLOSING and entry.outcome is Outcome.DONE:
            await log.write(entry)
        else:
            log.put(entry)

    async def answer(self, problem: Problem, receive: Receive) -> None:
        """Answer with a problem, unless an answer has begun already."""
        self._scope["state"]["problem_code"] = problem.code.value
        if self._status is None:
            response = problem_page.answer(self._scope, problem, self.request_id)
            await response(self._scope, receive, self.send)

    def log(self) -> None:
        """Write the request's line."""
        route = getattr(self._scope.get("route"), "path", None)
        status = self._status or 0
        seconds = time.perf_counter() - self._started
        method = self._scope["method"] if self._scope["method"] in METHODS else None
        service = self._scope["app"].state.service
        service.http_metrics.count(method, route, status, seconds)
        if route in _QUIET and status < 400:  # noqa: PLR2004 - the first error status
            return
        _LOG.info(
            "request",
            request=self.request_id,
            method=method,
            route=route,
            status=status,
            seconds=round(seconds, 4),
            key=self._scope["state"].get("key_id"),
            code=self._scope["state"].get("problem_code"),
        )


def _not_logged() -> Problem:
    return Problem(
        Code.STORAGE_UNAVAILABLE,
        "The access log cannot be written, and without it nothing is given out; try again.",
        headers={"Retry-After": "5"},
    )


def _internal_error() -> Problem:
    return Problem(
        Code.INTERNAL_ERROR, "The error is in our log, under the id that `instance` gives."
    )
