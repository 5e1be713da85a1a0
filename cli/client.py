"""A client of the service: posts in batches, retries what is worth retrying, follows to the end."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import httpx

from archives import Entry, Refusal, SourceReport

BATCH_REPORTS = 200
BATCH_CHARS = 4_000_000
TIMEOUT_S = 60.0
PATIENCE_S = 60.0
"""How long a service may be out of reach or busy before we give up."""

_POLL_S = (0.05, 0.1, 0.2, 0.5, 1.0)
_RETRIED = frozenset({429, 502, 503, 504})
_FINAL = frozenset({"done", "failed", "cancelled"})


class ServiceError(Exception):
    """The service cannot be reached, or refuses us; one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A report that the service has accepted, and where it came from."""

    id: str
    place: str


@dataclass(slots=True)
class Outcome:
    """What became of everything that was read."""

    posted: list[Posted] = field(default_factory=list)
    new: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Place and reason of what was not posted; never its text."""
    states: Counter[str] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)


class Client:
    """Talks to one service with one key."""

    def __init__(self, url: str, key: str, *, patience_s: float = PATIENCE_S) -> None:
        self.patience_s = patience_s
        try:
            self.http = httpx.Client(
                base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=TIMEOUT_S
            )
        except (httpx.InvalidURL, UnicodeError):
            raise ServiceError("The address or the key of the service is malformed.") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.http.close()

    def post_all(
        self, entries: Iterable[Entry], *, on_posted: Callable[[int], object] = lambda _number: None
    ) -> Outcome:
        """Post every report; what the archive or the service refuses is listed with its reason.

        Raises:
            ServiceError: the service is away, or the key may not post.

        """
        outcome = Outcome()
        for batch in _batches(entries, outcome):
            self._post(batch, outcome)
            on_posted(len(outcome.posted))
        return outcome

    def follow(
        self,
        outcome: Outcome,
        *,
        results: Path | None = None,
        on_done: Callable[[int], object] = lambda _number: None,
    ) -> None:
        """Wait until every posted report has its final state; write the results in order.

        Raises:
            ServiceError: the service is away, or the key may not read.

        """
        with _lines(results) as out:
            for number, posted in enumerate(outcome.posted, start=1):
                view = self._final(posted.id)
                outcome.states[view["state"]] += 1
                if view["level"]:
                    outcome.levels[view["level"]] += 1
                if out is not None:
                    line = view["result"] or {
                        "report_id": view["report_id"],
                        "error": view["error"] or {"code": view["state"]},
                    }
                    out.write(json.dumps({"id": posted.id, **line}, ensure_ascii=False) + "\n")
                on_done(number)

    def _post(self, batch: list[SourceReport], outcome: Outcome) -> None:
        """Post a batch; one that is refused is halved until the report at fault stands alone."""
        body = {"reports": [_request(entry) for entry in batch]}
        answer = self.send("POST", "/v1/reports", json=body)
        if answer.status_code in {400, 413, 422}:
            if len(batch) == 1:
                outcome.refused.append((_place(batch[0]), _code(answer)))
                return
            middle = len(batch) // 2
            self._post(batch[:middle], outcome)
            self._post(batch[middle:], outcome)
            return
        check(answer)
        for entry, one in zip(batch, answer.json()["reports"], strict=True):
            outcome.posted.append(Posted(one["id"], _place(entry)))
            outcome.new += one["is_new"]

    def _final(self, report_id: str) -> dict[str, Any]:
        """Return a report once it is final; asked seldom when it takes long."""
        tries = 0
        while True:
            answer = self.send("GET", f"/v1/reports/{report_id}")
            check(answer)
            view: dict[str, Any] = answer.json()
            if view["state"] in _FINAL:
                return view
            time.sleep(_POLL_S[min(tries, len(_POLL_S) - 1)])
            tries += 1

    def send(
        self,
        method: str,
        path: str,
        **request: Any,
    ) -> httpx.Response:
        """Send a request; a service that is busy or away is tried again for a while.

        Posting again is safe: the same report is accepted once, and what else is posted has a key
        of its own.
        """
        until = time.monotonic() + self.patience_s
        wait_s = 0.2
        while True:
            try:
                answer = self.http.request(method, path, **request)
                if answer.status_code not in _RETRIED or time.monotonic() > until:
                    return answer
                wait_s = _retry_after_s(answer) or wait_s
            except httpx.TransportError:
                if time.monotonic() > until:
                    raise ServiceError(
                        f"There is no service at {self.http.base_url}; start one with "
                        "`marrow serve` or give --url."
                    ) from None
            time.sleep(min(wait_s, max(0.0, until - time.monotonic()) + 0.01))
            wait_s = min(wait_s * 2, 5.0)


def _batches(entries: Iterable[Entry], outcome: Outcome) -> Iterator[list[SourceReport]]:
    """Cut what is read into batches by number and size; list what could not be read."""
    batch: list[SourceReport] = []
    chars = 0
    for entry in entries:
        if isinstance(entry, Refusal):
            outcome.refused.append((f"{entry.path}:{entry.line}", entry.code))
            continue
        length = len(entry.report.text)
        if batch and (len(batch) == BATCH_REPORTS or chars + length > BATCH_CHARS):
            yield batch
            batch, chars = [], 0
        batch.append(entry)
        chars += length
    if batch:
        yield batch


def _request(entry: SourceReport) -> dict[str, Any]:
    """Return a report in the API's shape, without what is unknown."""
    report = entry.report
    parts = {"patient": asdict(report.patient), "study": asdict(report.study)}
    known = {
        name: {key: value for key, value in part.items() if value is not None}
        for name, part in parts.items()
    }
    request = {"text": report.text, "source": entry.source, **known}
    if report.report_id is not None:
        request["report_id"] = report.report_id
    return request


def _place(entry: SourceReport) -> str:
    return f"{entry.path}:{entry.line}"


def _code(answer: httpx.Response) -> str:
    """Return the problem's code and the fields at fault, which never hold a value."""
    try:
        problem = answer.json()
        fields = ", ".join(str(fault.get("pointer", "")) for fault in problem.get("errors", []))
        return " ".join(filter(None, (str(problem.get("code", answer.status_code)), fields)))
    except (ValueError, AttributeError):
        return str(answer.status_code)


def check(answer: httpx.Response) -> None:
    """Raise ServiceError where the service refuses the key or the request."""
    if answer.status_code in {401, 403}:
        raise ServiceError(
            f"The service refuses the key ({_code(answer)}); see `marrow keys list`."
        )
    if answer.status_code >= 400:  # noqa: PLR2004
        raise ServiceError(f"The service answers {answer.status_code} {_code(answer)}.")


def _retry_after_s(answer: httpx.Response) -> float | None:
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None


@contextmanager
def _lines(path: Path | None) -> Iterator[IO[str] | None]:
    if path is None:
        yield None
        return
    with path.open("w", encoding="utf-8") as out:
        yield out
