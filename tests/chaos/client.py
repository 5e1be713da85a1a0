"""A careful client: it sends each request under an ``Idempotency-Key`` until it has an answer."""

from __future__ import annotations

import threading
import time
import uuid
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BATCH = 25
"""Reports in a request, and so in a unit of work."""
GIVE_UP_S = 120
_AGAIN = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_PAUSE_S = 0.1
_TIMEOUT_S = 20


class RefusedError(AssertionError):
    """The service answered with something else than success, 429 or 503."""


class Client:
    """Posts reports, and remembers which were accepted."""

    def __init__(self, url: str, token: str) -> None:
        self.http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT_S
        )
        self.accepted: dict[str, str] = {}
        """Our ids by the clients' own ids."""
        self.posted: list[dict[str, Any]] = []
        self.retries = 0
        self.replays = 0
        """Answers that the service gave a second time."""

    def post(self, reports: Sequence[dict[str, Any]]) -> None:
        """Post the reports in requests of :data:`BATCH`, until all are accepted."""
        for part in self._parts(reports):
            self._note(part, self._send(part))

    def post_twice(self, reports: Sequence[dict[str, Any]]) -> int:
        """Post as a client does that loses each first answer; return how many requests were so."""
        parts = self._parts(reports)
        for part in parts:
            key = uuid.uuid4().hex
            for _ in range(2):
                self._note(part, self._send(part, key=key))
        return len(parts)

    @contextmanager
    def posting(self, reports: Sequence[dict[str, Any]]) -> Iterator[None]:
        """Post in the background while the block runs; all are accepted at its end."""
        errors: list[BaseException] = []

        def run() -> None:
            try:
                self.post(reports)
            except BaseException as error:  # noqa: BLE001 (raised again where it is seen)
                errors.append(error)

        thread = threading.Thread(target=run, name="client", daemon=True)
        thread.start()
        try:
            yield
        finally:
            thread.join(GIVE_UP_S)
        assert not thread.is_alive(), "the client never got an answer"
        if errors:
            raise errors[0]

    def _parts(self, reports: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
        self.posted += reports
        return [list(reports[start : start + BATCH]) for start in range(0, len(reports), BATCH)]

    def _note(self, part: Sequence[dict[str, Any]], answers: Sequence[dict[str, Any]]) -> None:
        for report, answer in zip(part, answers, strict=True):
            before = self.accepted.setdefault(report["report_id"], answer["id"])
            assert before == answer["id"], "a report got two ids"

    def _send(
        self, part: Sequence[dict[str, Any]], *, key: str | None = None
    ) -> list[dict[str, Any]]:
        headers = {"Idempotency-Key": uuid.uuid4().hex if key is None else key}
        end = time.monotonic() + GIVE_UP_S
        while time.monotonic() < end:
            try:
                answer = self.http.post("/v1/reports", json={"reports": part}, headers=headers)
            except httpx.TransportError:
                self.retries += 1
            else:
                if answer.is_success:
                    self.replays += "idempotency-replayed" in answer.headers
                    accepted: list[dict[str, Any]] = answer.json()["reports"]
                    return accepted
                if answer.status_code not in _AGAIN:
                    raise RefusedError(f"{answer.status_code} {answer.text}")
                self.retries += 1
            time.sleep(_PAUSE_S)
        raise RefusedError("no answer in time")
