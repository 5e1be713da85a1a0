"""How often a key may ask, and an address may be wrong: token buckets of this process.

They lie in memory, not in the database or Redis: a request must not cost a write, and Redis may be
gone or emptied at any time. What they guard is this process, too; where several serve, a client
may ask each of them as often as is set.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from api.settings import ApiSettings

MOST = 10_000
"""Buckets that are remembered; of those asked longest ago the next request begins anew."""
_NEIGHBOURS = 64
"""Whoever has an IPv6 address has all that differ from it behind these bits."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What taking from a bucket came to."""

    left: int
    wait_s: float
    """Until there is something to take again; 0 where something was taken."""
    full_in_s: float

    @property
    def is_refused(self) -> bool:
        """Whether there was nothing to take."""
        return self.wait_s > 0


class Buckets:
    """A bucket for each name: it holds ``burst``, and ``per_s`` come back each second."""

    def __init__(
        self, *, per_s: float, burst: int, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_s = per_s
        self.burst = burst
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, number: int = 1) -> Taken:
        """Take from a bucket, if it holds enough; ``number`` 0 only looks."""
        with self._lock:
            held = self._now_in(name)
            wait_s = max(0.0, max(number, 1) - held) / self.per_s
            if not wait_s:
                held -= number
            self._held[name] = (held, self._clock_s())
            self._held.move_to_end(name)
            if len(self._held) > MOST:
                self._held.popitem(last=False)
        return Taken(math.floor(held), wait_s, (self.burst - held) / self.per_s)

    def _now_in(self, name: str) -> float:
        now_s = self._clock_s()
        held, at_s = self._held.get(name, (float(self.burst), now_s))
        return min(float(self.burst), held + (now_s - at_s) * self.per_s)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one process."""

    requests: Buckets
    """By key or session."""
    failures: Buckets
    """Of signing in, by address."""

    @classmethod
    def of(cls, settings: ApiSettings) -> Limits:
        """Return the limits that are set."""
        return cls(
            requests=Buckets(
                per_s=settings.max_requests_per_s, burst=settings.max_requests_at_once
            ),
            failures=Buckets(
                per_s=settings.max_failed_sign_ins / 600, burst=settings.max_failed_sign_ins
            ),
        )

    def check_request(self, caller: str) -> Mapping[str, str]:
        """Count a request and return the headers that tell of it, or raise Problem."""
        taken = self.requests.take(caller)
        headers = {
            "RateLimit-Policy": f'"requests";q={self.requests.burst};'
            f"w={math.ceil(self.requests.burst / self.requests.per_s)}",
            "RateLimit": f'"requests";r={taken.left};t={math.ceil(taken.full_in_s)}',
        }
        if taken.is_refused:
            raise Problem(
                Code.TOO_MANY_REQUESTS,
                "The key asks too often; wait as long as `Retry-After` says.",
                headers=headers | {"Retry-After": _seconds(taken)},
            )
        return headers

    def check_failures(self, peer: str | None) -> None:
        """Raise Problem where an address was wrong too often lately."""
        taken = self.failures.take(_place(peer), 0)
        if taken.is_refused:
            raise _wrong_too_often(taken)

    def count_failure(self, peer: str | None) -> None:
        """Count a failed sign-in, or raise Problem where there were too many."""
        taken = self.failures.take(_place(peer))
        if taken.is_refused:
            raise _wrong_too_often(taken)


def _wrong_too_often(taken: Taken) -> Problem:
    return Problem(
        Code.TOO_MANY_REQUESTS,
        "Too many sign-ins failed from this address; wait as long as `Retry-After` says.",
        headers={"Retry-After": _seconds(taken)},
    )


def _seconds(taken: Taken) -> str:
    return str(max(1, math.ceil(taken.wait_s)))


def _place(peer: str | None) -> str:
    """Return what is one place in the network."""
    if peer is None or ":" not in peer:
        return peer or ""
    return str(ipaddress.ip_network((peer.partition("%")[0], _NEIGHBOURS), strict=False))
