"""The headers of tus 1.0, the protocol of uploads that go on where they broke off.

https://tus.io/protocols/resumable-upload: the core, with the extensions creation, expiration and
termination. Not taken over: `X-HTTP-Method-Override`, which lets a request be another than the
one that proxies and logs have seen.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Code, FieldError, Problem
from api.validation import failed

UPLOADS_PATH = "/v1/uploads"
VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,termination"
CHUNK_TYPE = "application/offset+octet-stream"
VERSION_HEADER = "Tus-Resumable"
OFFSET_HEADER = "Upload-Offset"
LENGTH_HEADER = "Upload-Length"
METADATA_HEADER = "Upload-Metadata"
_MAX_DIGITS = 18
"""So that every number fits into 64 bits."""


class TusVersion:
    """ASGI middleware that says the version in every answer about uploads, problems included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope.get("path", "")
        if path != UPLOADS_PATH and not path.startswith(UPLOADS_PATH + "/"):
            await self._app(scope, receive, send)
            return

        async def send_with_version(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[VERSION_HEADER] = VERSION
            await send(message)

        await self._app(scope, receive, send_with_version)


def check_version(request: Request) -> None:
    """Raise Problem unless the client speaks our version (a dependency)."""
    if request.headers.get(VERSION_HEADER) != VERSION:
        raise Problem(
            Code.TUS_VERSION,
            f"Send `{VERSION_HEADER}: {VERSION}`.",
            headers={"Tus-Version": VERSION},
        )


def number(request: Request, header: str) -> int:
    """Return the number in a header; raises Problem where there is none."""
    value = request.headers.get(header, "")
    if not (value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS):
        raise _wrong(header, "must be a number of bytes")
    return int(value)


def metadata(request: Request) -> Mapping[str, str]:
    """Return `Upload-Metadata`: pairs of a key and a value in base 64, divided by commas."""
    found: dict[str, str] = {}
    for pair in filter(None, map(str.strip, request.headers.get(METADATA_HEADER, "").split(","))):
        key, _, value = pair.partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError):
            raise _wrong(METADATA_HEADER, "must be pairs of a key and a value in base 64") from None
    return found


def http_date(at: datetime) -> str:
    """Return a time as headers write it."""
    return format_datetime(at, usegmt=True)


def _wrong(header: str, detail: str) -> Problem:
    return failed([FieldError(code="WRONG_FORM", detail=detail, parameter=header)])
