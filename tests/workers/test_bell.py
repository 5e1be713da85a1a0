from __future__ import annotations

import base64
import json
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from storage.model import Lane
from workers.app import make_app
from workers.bell import RING_TIMEOUT_S, Bell, BellSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.services import RedisServer


@pytest.fixture
def bell(redis_url: str) -> Iterator[Bell]:
    """A bell on an empty Redis."""
    bell = Bell(redis_url)
    yield bell
    bell.close()


def test_a_bell_carries_the_number_of_a_row_and_nothing_else(
    bell: Bell, redis_server: RedisServer
) -> None:
    assert bell.answers()
    assert bell.ring(42, Lane.INTERACTIVE)
    assert (bell.waiting(Lane.INTERACTIVE), bell.waiting(Lane.BULK)) == (1, 0)
    with redis_server.client() as client:
        message = json.loads(client.lrange("interactive", 0, -1)[0])
    arguments, named, _ = json.loads(base64.b64decode(message["body"]))
    assert (arguments, named) == ([42], {})


def test_without_redis_ringing_fails_quickly_and_quietly(
    bell: Bell, redis_server: RedisServer
) -> None:
    bell.ring(1, Lane.BULK)
    redis_server.kill()
    try:
        started = time.monotonic()
        assert not bell.ring(2, Lane.BULK)
        assert bell.waiting(Lane.BULK) is None
        assert not bell.answers()
        assert time.monotonic() - started < RING_TIMEOUT_S
    finally:
        redis_server.start()
    assert bell.ring(3, Lane.BULK)
    assert bell.waiting(Lane.BULK) == 1


def test_a_redis_that_hangs_keeps_nobody_waiting(bell: Bell, redis_server: RedisServer) -> None:
    bell.ring(1, Lane.BULK)
    os.kill(redis_server.pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        assert not bell.ring(2, Lane.BULK)
        assert time.monotonic() - started < 3 * RING_TIMEOUT_S
    finally:
        os.kill(redis_server.pid, signal.SIGCONT)


def test_a_full_redis_is_no_error(bell: Bell, redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.config_set("maxmemory", "1")
        try:
            assert not bell.ring(1, Lane.BULK)
        finally:
            client.config_set("maxmemory", "0")


def test_an_unknown_queue_fails(redis_url: str) -> None:
    app = make_app(redis_url)
    with pytest.raises(Exception, match="urgent"):
        app.send_task("marrow.work", args=(1,), queue="urgent", retry=False)
    app.close()


def test_redis_is_the_embedded_one_unless_named(tmp_path: Path) -> None:
    assert BellSettings(data_dir=tmp_path).broker_url == f"redis+socket://{tmp_path}/redis.sock"
    named = BellSettings(redis_url="redis://:secret@redis/0")
    assert named.broker_url == "redis://:secret@redis/0"
    assert "secret" not in repr(named)
