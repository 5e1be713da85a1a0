"""Read and check a JSON body, after the key was checked.

FastAPI would read and parse the body before any dependency runs: strangers could make us parse
32 MB. As a dependency of its own that stands behind the key's, reading comes second. pydantic
validates from the bytes, which also refuses what is no UTF-8 and halves of surrogate pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from fastapi import Request
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from api.problems import Code, Problem
from api.schemas import FIELDS, MANY, ONE
from api.validation import body_errors, failed, unreadable

T = TypeVar("T")

_JSON = "application/json"
_IN_THREAD_BYTES = 128 * 1024
"""Above this, parsing takes long enough to be kept away from the event loop."""


class JsonBody(Generic[T]):
    """A dependency that gives the body as ``T``; raises Problem, without the values sent."""

    def __init__(
        self, adapter: TypeAdapter[T], *, tagged: bool = False, also: Sequence[str] = ()
    ) -> None:
        """``tagged``: the first part of an error's location names a member of a union.

        ``also`` are media types that the route takes beside JSON, for whoever sends a third.
        """
        self._adapter = adapter
        self._tagged = tagged
        self._also = tuple(also)

    async def __call__(self, request: Request) -> T:
        """Read, parse and validate the body of a request."""
        self._check_media_type(request.headers.get("content-type", ""))
        body = await request.body()
        if len(body) > _IN_THREAD_BYTES:
            return await run_in_threadpool(self.parse, body)
        return self.parse(body)

    def parse(self, body: bytes) -> T:
        """Parse and validate a body that was read."""
        try:
            return self._adapter.validate_json(body)
        except ValidationError as error:
            problem = self._problem(error)
        # Outside of the handler: the chain of a pydantic error would carry the body along.
        raise problem

    def _problem(self, error: ValidationError) -> Problem:
        found = error.errors(include_url=False, include_input=False)
        if found[0]["type"] == "json_invalid":
            return unreadable(str(found[0].get("ctx", {}).get("error", "")))
        if self._tagged:
            for item in found:
                if item["loc"] and item["loc"][0] in {ONE, MANY}:
                    item["loc"] = item["loc"][1:]
        return failed(body_errors(found, FIELDS))

    def _check_media_type(self, content_type: str) -> None:
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type == _JSON or (
            media_type.startswith("application/") and media_type.endswith("+json")
        ):
            return
        others = "".join(f", or `{one}`" for one in self._also)
        raise Problem(
            Code.UNSUPPORTED_MEDIA_TYPE,
            f"Send JSON, with the header `Content-Type: {_JSON}`{others}.",
            headers={"Accept": ", ".join([_JSON, *self._also])},
        )
