"""A client of the service's audits: submits an archive, follows it, fetches its files."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx

from cli.client import Client, ServiceError, check

FILES = (
    "assessments.parquet", "mentions.parquet", "patients.parquet", "cases.csv", "failures.csv",
    "summary.json", "report.html", "metadata.json",
)  # fmt: skip
"""The output files; the last one says that all are there."""
_OPEN = frozenset({"queued", "planning", "extracting", "finishing"})
_READ_S = 60.0
"""Longer than the service is ever silent on a stream of events."""


class AuditClient(Client):
    """Talks to one service about audits."""

    def submit(self, body: dict[str, str], arguments: dict[str, Any]) -> dict[str, Any]:
        """Have an archive audited: a ``source`` where it lies, or an ``upload``; sent again, it is one audit.

        Raises:
            ServiceError: the service is away, or refuses the archive.

        """
        headers = {"Idempotency-Key": uuid4().hex}
        return _view(self.send("POST", "/v1/audits", json=body, params=arguments, headers=headers))

    def preview(self, body: dict[str, str], arguments: dict[str, Any]) -> dict[str, Any]:
        """Return what would be read from an archive. Raises ServiceError."""
        return _view(self.send("POST", "/v1/audits/preview", json=body, params=arguments))

    def get(self, id_: str) -> dict[str, Any]:
        """Return an audit. Raises ServiceError."""
        return _view(self.send("GET", f"/v1/audits/{quote(id_)}"))

    def list_all(self) -> Iterator[dict[str, Any]]:
        """Yield all audits, newest first. Raises ServiceError."""
        cursor: str | None = None
        while True:
            query = {} if cursor is None else {"cursor": cursor}
            page = _view(self.send("GET", "/v1/audits", params=query))
            yield from page["audits"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def cancel(self, id_: str) -> dict[str, Any]:
        """Stop an audit. Raises ServiceError."""
        return _view(self.send("POST", f"/v1/audits/{quote(id_)}/cancel"))

    def delete(self, id_: str) -> None:
        """Delete an audit with its results. Raises ServiceError."""
        check(self.send("DELETE", f"/v1/audits/{quote(id_)}"))

    def follow_audit(
        self, id_: str, on_progress: Callable[[dict[str, Any]], object]
    ) -> dict[str, Any]:
        """Listen to an audit's events until its end, and return it.

        Raises:
            ServiceError: the service is away for too long, or the audit was deleted.

        """
        heard: str | None = None
        quiet_since = time.monotonic()
        while True:
            try:
                for event in self._events(id_, heard):
                    heard, quiet_since = event["id"], time.monotonic()
                    on_progress(json.loads(event["data"]))
            except httpx.TransportError:
                if time.monotonic() - quiet_since > self.patience_s:
                    raise ServiceError("The service does not answer any more.") from None
                time.sleep(0.5)
            view = self.get(id_)
            if view["state"] not in _OPEN:
                return view

    def _events(self, id_: str, heard: str | None) -> Iterator[dict[str, str]]:
        """Yield the events of one connection that say how far the audit is."""
        headers = {} if heard is None else {"Last-Event-ID": heard}
        path = f"/v1/audits/{quote(id_)}/events"
        with self.http.stream("GET", path, headers=headers, timeout=_READ_S) as answer:
            if answer.is_error:
                answer.read()
            check(answer)
            event: dict[str, str] = {}
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name:
                    event[name] = value
                    continue
                if event.keys() >= {"event", "data", "id"}:
                    yield event
                event = {}

    def fetch(self, id_: str, out: Path) -> None:
        """Write the output files of an audit into a directory.

        Raises:
            ServiceError: the audit is not done, or the key may not read all of it.

        """
        out.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            part = out / f".{name}.part"
            path = f"/v1/audits/{quote(id_)}/files/{name}"
            with self.http.stream("GET", path) as answer, part.open("wb") as file:
                if answer.is_error:
                    answer.read()
                    part.unlink()
                check(answer)
                for piece in answer.iter_bytes():
                    file.write(piece)
            part.replace(out / name)


def _view(answer: httpx.Response) -> dict[str, Any]:
    check(answer)
    view: dict[str, Any] = answer.json()
    return view
