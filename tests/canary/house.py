"""The whole service as processes on a PostgreSQL and a Redis of its own, and all that leaves them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from sqlalchemy import MetaData, select, text
from sqlalchemy.engine import make_url

from api.scopes import Scope
from storage import keys
from storage.database import Database
from storage.settings import PEPPER_FILE
from tests.services import Postgres, RedisServer, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
OBEDIENT = [sys.executable, str(Path(__file__).with_name("obedient.py"))]
_IN = 'ulimit -c unlimited; cd "$0" && exec "$@"'
_LADDER = {
    "MARROW_REPORT_TIMEOUT_S": "0.5",
    "MARROW_UNIT_TIMEOUT_S": "5",
    "MARROW_TASK_TIME_LIMIT_S": "8",
    "MARROW_LEASE_S": "10",
    "MARROW_RING_AGAIN_S": "1",
    "MARROW_DISPATCH_EVERY_S": "0.1",
    "MARROW_EXTRACT_TIMEOUT_S": "1",
    "MARROW_MAX_BODY_BYTES": "2048",
    "MARROW_MAX_REPORT_BYTES": "100000",
    "MARROW_MAX_SUBMISSION_BYTES": "100000",
    "MARROW_MAX_ARCHIVE_BYTES": "1000000",
    # Every route is asked with wrong keys, from one address.
    "MARROW_MAX_FAILED_SIGN_INS": "10000",
}


class Tap:
    """Everything that Redis is told, by its own MONITOR; begun anew where Redis was killed."""

    def __init__(self, redis: RedisServer) -> None:
        self._redis = redis
        self._heard = bytearray()
        self._is_open = True
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        wait_until(lambda: b"+OK" in self._heard, what="the tap")

    def heard(self) -> bytes:
        """Return what was said so far."""
        return bytes(self._heard)

    def close(self) -> None:
        """Stop listening."""
        self._is_open = False
        self._thread.join(10)

    def _listen(self) -> None:
        while self._is_open:
            with suppress(OSError), socket.socket(socket.AF_UNIX) as line:
                line.settimeout(0.2)
                line.connect(str(self._redis.socket))
                line.sendall(b"MONITOR\r\n")
                self._hear(line)
            time.sleep(0.05)

    def _hear(self, line: socket.socket) -> None:
        while self._is_open:
            with suppress(TimeoutError):
                piece = line.recv(65_536)
                if not piece:
                    return
                self._heard += piece


@dataclass
class House:
    """The service, and the way to what it leaves behind."""

    folder: Path
    postgres: Postgres
    redis: RedisServer
    database: Database
    environment: dict[str, str]
    tap: Tap
    url: str = ""
    token: str = ""
    second_token: str = ""
    """Of somebody else, who judges a sample as well."""
    output: dict[str, Path] = field(default_factory=dict)
    """The file that a process writes its standard output and error to."""

    @property
    def roots(self) -> Path:
        """The directory below which archives may be audited where they lie."""
        return self.folder / "archives"

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    def start(self) -> Iterator[subprocess.Popen[bytes]]:
        """Start the processes of the service."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            descriptor = listener.fileno()
            words = ["api", "--fd", str(descriptor)]
            yield self._start("api", *OBEDIENT, *words, pass_fds=(descriptor,))
        yield self._start("worker", *OBEDIENT, "worker")
        yield self._start("dispatcher", sys.executable, "-m", "cli.processes", "dispatcher")

    def _start(
        self, name: str, *words: str, pass_fds: tuple[int, ...] = ()
    ) -> subprocess.Popen[bytes]:
        self.output[name] = self.folder / f"{name}.out"
        place = self.folder / name
        place.mkdir()
        with self.output[name].open("wb") as file:
            return subprocess.Popen(
                ["bash", "-c", _IN, str(place), *words],
                env=self.environment,
                stdout=file,
                stderr=file,
                pass_fds=pass_fds,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Wait until the API takes reports and reads some itself."""

        def is_ready() -> bool:
            with suppress(httpx.TransportError):
                return httpx.get(f"{self.url}/healthz/ready", timeout=5).is_success
            return False

        wait_until(is_ready, deadline_s=90, what="the service")

    @contextmanager
    def without_database(self) -> Iterator[None]:
        """Let PostgreSQL turn everybody away, as one that is being restarted does."""
        name = make_url(self.database.url).database
        self.database.dispose()
        self.postgres._server.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        self.postgres.cut()
        try:
            yield
        finally:
            self.postgres._server.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    @contextmanager
    def without_redis(self) -> Iterator[None]:
        """Do without Redis."""
        self.redis.kill()
        try:
            yield
        finally:
            self.redis.start()

    def logged(self) -> dict[str, bytes]:
        """Return what every process wrote, PostgreSQL's among them."""
        written = {name: path.read_bytes() for name, path in self.output.items()}
        server = Path(self.postgres._server.pgdata) / "log"
        return written | {"postgresql": server.read_bytes()}

    def tables(self) -> dict[str, list[bytes]]:
        """Return the values of every column of every table, by ``table.column``."""
        metadata = MetaData()
        found: dict[str, list[bytes]] = {}
        with self.database.read() as conn:
            metadata.reflect(conn)
            for table in metadata.sorted_tables:
                for row in conn.execute(select(table)).mappings():
                    for name, value in row.items():
                        found.setdefault(f"{table.name}.{name}", []).append(_bytes(value))
        return found

    def files(self) -> dict[str, bytes]:
        """Return all files that the processes wrote but their logs, by their place."""
        logs = set(self.output.values())
        places = (self.data, self.folder / "tmp", *(self.folder / name for name in self.output))
        paths = (path for place in places for path in place.rglob("*") if path.is_file())
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in paths
            if path not in logs
        }

    def stored_keys(self) -> bytes:
        """Return every key of Redis with its value."""
        with self.redis.client() as client:
            names = list(client.scan_iter())
            return b"\n".join(name + b" " + (client.dump(name) or b"") for name in names)


def _bytes(value: object) -> bytes:
    if isinstance(value, (bytes, memoryview)):
        return bytes(value)
    return str(value).encode("utf-8", "surrogatepass")


@contextmanager
def opened(folder: Path, postgres: Postgres) -> Iterator[House]:
    """Start the service in a folder; nothing of it is left running at the end."""
    for name in ("archives", "tmp"):
        (folder / name).mkdir()
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer.started())
        url = stack.enter_context(postgres.database())
        tap = Tap(redis)
        stack.callback(tap.close)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MARROW_")}
        environment |= _LADDER | {
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(folder / "tmp"),
            "MARROW_DATA_DIR": str(folder / "data"),
            "MARROW_DATABASE_URL": url,
            "MARROW_REDIS_URL": redis.url,
            "MARROW_SOURCE_ROOTS": f'["{folder / "archives"}"]',
            "MARROW_WORKER_CONCURRENCY": "2",
        }
        database = stack.enter_context(Database(url))
        database.upgrade()
        house = House(folder, postgres, redis, database, environment, tap)
        house.data.mkdir(mode=0o700)
        house.token = _admin(house, "canary")
        house.second_token = _admin(house, "second canary")
        for process in house.start():
            stack.callback(_end, process)
        house.wait_until_ready()
        yield house


def _admin(house: House, name: str) -> str:
    pepper = keys.load_pepper(house.data / PEPPER_FILE, create=True)
    with house.database.begin() as conn:
        return keys.create(conn, pepper, name=name, scopes=tuple(Scope)).token


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(15)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def is_empty(house: House) -> bool:
    """Return whether no report waits any more and every audit is over."""
    with house.database.read() as conn:
        waiting = conn.execute(text("SELECT count(*) FROM reports WHERE state = 'queued'")).scalar()
        running = conn.execute(
            text(
                "SELECT count(*) FROM audits WHERE state IN ('queued','planning','extracting','finishing')"
            )
        ).scalar()
    return not waiting and not running
