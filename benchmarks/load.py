"""Many clients at once: ``make load`` posts single reports from 50 of them for a minute.

Against a real ``marrow serve`` on this machine. Each client has a connection of its own and posts
the next report as soon as it has its answer, so this is the most that so many clients can do; what
is refused with 429 or 503 is sent again when it was told to. Once nothing waits to be read any
more, each accepted id is looked up. Fails when there was any other error, or a report is lost.

A client of our own: locust comes with thirty packages, of which one loads itself into every run
of pytest, and would have to be taught both things that are asked for here.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.generated import generated_texts, read_pools
from examples.demo import serving
from extractor import Extractor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CLIENTS = 50
SECONDS = 60
TIMEOUT_S = 60
"""For one answer."""
READ_WITHIN_S = 300
"""After the last report was posted."""
_TEXTS = 1_000
_REFUSED = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_PAUSE_S = 0.5
_PERCENTILES = (50, 95, 99)


@dataclass(slots=True)
class Load:
    """What happened so far."""

    accepted: dict[str, float] = field(default_factory=dict)
    """Milliseconds until the answer, by our ids."""
    results: dict[str, float] = field(default_factory=dict)
    """Milliseconds from acceptance to the result, by the service's own clock."""
    refused: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    read_s: float = 0.0
    """From the last answer until everything was read."""

    @property
    def lost(self) -> int:
        """Accepted reports that came to no final state."""
        return len(self.accepted) - len(self.results)


def main() -> int:
    """Load the service, print, and return 1 where a report is lost or an error came."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    arguments = parser.parse_args()
    texts = generated_texts(read_pools(Extractor.load()), _TEXTS)
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as service:
        headers = {"Authorization": f"Bearer {service.key}"}
        load = asyncio.run(
            _load(service.url, headers, texts, clients=arguments.clients, seconds=arguments.seconds)
        )
    _print(load, clients=arguments.clients, seconds=arguments.seconds)
    return 1 if load.lost or load.errors else 0


async def _load(
    url: str, headers: dict[str, str], texts: Sequence[str], *, clients: int, seconds: float
) -> Load:
    load, numbers = Load(), count()
    end = time.monotonic() + seconds

    async def post(http: httpx.AsyncClient) -> None:
        while time.monotonic() < end:
            await _post(http, _report(next(numbers), texts), load)

    async with AsyncExitStack() as stack:
        connections = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT_S)
            )
            for _ in range(clients)
        ]
        await asyncio.gather(*map(post, connections))
        load.read_s = await _wait(connections[0])
        ids = iter(list(load.accepted))
        await asyncio.gather(*(_look_up(http, ids, load) for http in connections))
    return load


def _report(number: int, texts: Sequence[str]) -> dict[str, Any]:
    text = f"{texts[number % len(texts)]}\nExamination {number}."
    return {"report_id": f"load-{number}", "text": text}


async def _post(http: httpx.AsyncClient, report: dict[str, Any], load: Load) -> None:
    while True:
        before = time.perf_counter()
        try:
            answer = await http.post("/v1/reports", json=report)
        except httpx.TransportError as error:
            load.errors[type(error).__name__] += 1
            return
        if answer.is_success:
            load.accepted[answer.json()["id"]] = (time.perf_counter() - before) * 1_000
            return
        if answer.status_code not in _REFUSED:
            load.errors[str(answer.status_code)] += 1
            return
        load.refused[answer.status_code] += 1
        await asyncio.sleep(float(answer.headers.get("retry-after", "1")))


async def _wait(http: httpx.AsyncClient) -> float:
    """Wait until no report is queued, asking rarely; return the seconds. Time may run out."""
    began = time.monotonic()
    while (took := time.monotonic() - began) < READ_WITHIN_S:
        answer = await http.get("/v1/reports", params={"state": "queued", "page_size": 1})
        if answer.is_success and not answer.json()["reports"]:
            return took
        await asyncio.sleep(_PAUSE_S)
    return took


async def _look_up(http: httpx.AsyncClient, ids: Iterator[str], load: Load) -> None:
    """Look up ids that no other client has taken."""
    for id_ in ids:
        answer = await http.get(f"/v1/reports/{id_}")
        view = answer.json() if answer.is_success else {}
        if view.get("finished_at"):
            took = _at(view["finished_at"]) - _at(view["accepted_at"])
            load.results[id_] = took.total_seconds() * 1_000
            load.states[view["state"]] += 1


_at = datetime.fromisoformat


def _print(load: Load, *, clients: int, seconds: float) -> None:
    print(f"{clients} clients, {seconds:g} s, single reports of about 1 kB, this machine")
    print(
        f"{'accepted':12} {len(load.accepted):>9,}  ({len(load.accepted) / seconds:,.0f} a second)"
    )
    print(f"{'refused':12} {load.refused.total():>9,}  {dict(load.refused) or ''}")
    print(f"{'errors':12} {load.errors.total():>9,}  {dict(load.errors) or ''}")
    print(f"{'final':12} {len(load.results):>9,}  {dict(load.states)}")
    print(f"{'lost':12} {load.lost:>9,}")
    print(f"{'read, s':12} {load.read_s:>9,.1f}  after the last was posted")
    for name, took in (("accept", load.accepted), ("result", load.results)):
        ordered = sorted(took.values())
        shown = "  ".join(f"p{part} {_percentile(ordered, part):,.0f}" for part in _PERCENTILES)
        print(f"{name + ', ms':12} {shown}")


def _percentile(ordered: Sequence[float], part: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * part // 100)] if ordered else 0.0


if __name__ == "__main__":
    sys.exit(main())
