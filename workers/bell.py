"""The bell: tells the workers that a unit of work waits. A hint, which may get lost.

The message is the number of a row, nothing else. When Redis is away, the dispatcher rings later;
ringing twice is harmless, as only one worker gets the claim.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis
from kombu.exceptions import KombuError
from pydantic import Field

from storage.model import WorkKind
from storage.settings import StorageSettings
from workers.app import TASKS, make_app
from workers.embedded_redis import SOCKET_FILE

if TYPE_CHECKING:
    from storage.model import Lane

RING_TIMEOUT_S = 1.0
"""A client waits for its answer meanwhile, and its report is safe already."""
_DOWN = (redis.RedisError, KombuError, OSError)


class BellSettings(StorageSettings):
    """Where Redis is."""

    redis_url: str | None = Field(default=None, repr=False)
    """``redis://``, ``rediss://`` or ``redis+socket:///path``; without it the embedded one's
    socket in the data directory. Holds a password, so it is left out of every ``repr``."""

    @property
    def broker_url(self) -> str:
        """The address of Redis, as Celery takes it."""
        return self.redis_url or f"redis+socket://{self.data_dir.resolve() / SOCKET_FILE}"


class Bell:
    """A line to the workers. Safe to share between threads; make a new one after a fork."""

    def __init__(self, broker_url: str) -> None:
        self._app = make_app(broker_url, timeout_s=RING_TIMEOUT_S)
        self._client = redis_client(broker_url, timeout_s=RING_TIMEOUT_S)

    @classmethod
    def open(cls, settings: BellSettings) -> Bell:
        """Return the bell of the settings; nothing is connected yet."""
        return cls(settings.broker_url)

    def ring(self, work_id: int, lane: Lane, kind: WorkKind = WorkKind.REPORTS) -> bool:
        """Tell the workers of a unit; ``False`` where Redis did not take it. Never raises.

        ``kind`` only decides how long the unit may take.
        """
        try:
            self._app.send_task(TASKS[kind], args=(work_id,), queue=lane.value, retry=False)
        except _DOWN:
            return False
        return True

    def waiting(self, lane: Lane) -> int | None:
        """Return how many bells nobody has heard yet; ``None`` where Redis does not say."""
        try:
            return int(self._client.llen(lane.value))
        except _DOWN:
            return None

    def answers(self) -> bool:
        """Return whether Redis answers."""
        try:
            return bool(self._client.ping())
        except _DOWN:
            return False

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
        self._app.close()


def redis_client(broker_url: str, *, timeout_s: float) -> redis.Redis:
    """Return a client for an address as Celery takes it."""
    url = broker_url.replace("redis+socket://", "unix://", 1)
    return redis.Redis.from_url(
        url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=None
    )
