"""Which names the service answers to: a page of somebody else's name that leads here gets nothing.

Without this, a web page anywhere could let its own name point to 127.0.0.1 and read, in the
browser of somebody here, what this service says (DNS rebinding).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send

ALWAYS = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""This machine, by whatever proxy or health check asks on it."""
_ALL_ADDRESSES = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to


class KnownHosts:
    """An ASGI middleware that refuses requests to other names. Behind the edge."""

    def __init__(self, app: ASGIApp, *, names: Iterable[str]) -> None:
        """``names``: host names without port; ``*`` for any, ``*.example.org`` for all below."""
        self._app = app
        self._names = frozenset(name.lower() for name in names)
        self._below = tuple(name[1:] for name in self._names if name.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or raise Problem."""
        if scope["type"] == "http" and not self._knows(scope):
            raise Problem(
                Code.HOST_UNKNOWN,
                "The service does not go by this name; the operator may add it to "
                "MARROW_ALLOWED_HOSTS.",
            )
        await self._app(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        if "*" in self._names:
            return True
        sent = [value for name, value in scope["headers"] if name == b"host"]
        if len(sent) != 1:
            return False
        host = without_port(sent[0].decode("latin-1").lower())
        return host in self._names or host.endswith(self._below)


def known_names(allowed: Iterable[str], listening: str) -> frozenset[str]:
    """Return the names of a service: those that are set, this machine's, and where it listens."""
    names = ALWAYS | frozenset(allowed)
    if listening in _ALL_ADDRESSES:
        return names
    return names | {f"[{listening}]" if ":" in listening else listening}


def without_port(host: str) -> str:
    """Return the name in a ``Host`` header."""
    name, colon, port = host.rpartition(":")
    return name if colon and (port.isdecimal() or not port) else host
