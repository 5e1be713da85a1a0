"""Bound what a request may send, before anything reads it.

Pure ASGI: the length that the client declares is checked first, and the bytes that really come
are counted, because a chunked body declares nothing. Starlette has such a middleware as well, but
one limit for all paths and a plain text answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Code, Problem


class BodyLimit:
    """ASGI middleware that raises Problem where a body is larger than its path allows."""

    def __init__(self, app: ASGIApp, *, default: int, by_path: Mapping[str, int]) -> None:
        """Limits are in bytes; ``by_path`` has the paths that differ from the default.

        They are exact; one that ends with a slash stands for what is right below it.
        """
        self._app = app
        self._default = default
        self._by_path = dict(by_path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a counting ``receive``."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        above = scope["path"].rpartition("/")[0] + "/"
        limit = self._by_path.get(scope["path"], self._by_path.get(above, self._default))
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared[:19]) > limit:
            raise _too_large(limit)
        await self._app(scope, _Counted(receive, limit), send)


class _Counted:
    """``receive`` that gives up once more than ``limit`` bytes have come."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._seen = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._seen += len(message.get("body", b""))
            if self._seen > self._limit:
                raise _too_large(self._limit)
        return message


def _too_large(limit: int) -> Problem:
    # The rest of the body is still on its way: the connection is of no more use.
    return Problem(
        Code.BODY_TOO_LARGE,
        f"The body may have at most {limit} bytes here.",
        headers={"Connection": "close"},
    )
