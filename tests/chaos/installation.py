"""One installation for one scenario: the real processes on a real Redis and a real database."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx

from api.scopes import Scope
from storage import keys
from storage.database import Database
from storage.settings import StorageSettings
from tests.chaos.client import Client
from tests.chaos.fuses import FOLDER, Action, Fuses, Point
from tests.chaos.proxy import Proxy
from tests.chaos.tally import watch
from tests.services import RedisServer, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.services import Postgres

ROOT = Path(__file__).parents[2]
PLUG = Path(__file__).parent / "plug"
LADDER = {
    "MARROW_REPORT_TIMEOUT_S": "2",
    "MARROW_UNIT_TIMEOUT_S": "4",
    "MARROW_TASK_TIME_LIMIT_S": "6.5",
    "MARROW_LEASE_S": "8",
    "MARROW_RING_AGAIN_S": "1",
    "MARROW_DISPATCH_EVERY_S": "0.1",
}
"""The timeouts of the suite, as short as a busy machine allows."""
START_S = 60


class Process:
    """A process of the installation, its output in a file."""

    def __init__(
        self, words: tuple[str, ...], environment: dict[str, str], log: Path, fd: int | None = None
    ) -> None:
        self.words = words
        self.log = log
        with log.open("ab") as file:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "cli.processes", *words],
                env=environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                pass_fds=() if fd is None else (fd,),
            )
        self.pid = self._popen.pid

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._popen.poll() is None

    def said(self) -> str:
        """Return what it printed and logged."""
        return self.log.read_text(errors="replace")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to this process alone."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as ``kill -9`` does."""
        self._popen.kill()
        self._popen.wait(10)

    def wait(self) -> int:
        """Wait for its end, and return its exit code."""
        return self._popen.wait(START_S)

    def kill_all(self) -> None:
        """End it and all its children, frozen ones too."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait(10)

    def children(self) -> list[int]:
        """Return the ids of its child processes."""
        found = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in found.split()]


class Installation:
    """Everything of one scenario, and what may be done to it."""

    def __init__(
        self, folder: Path, *, database: Database, redis: RedisServer, postgres: Postgres | None
    ) -> None:
        self.folder = folder
        self.database = database
        self.redis = redis
        self.postgres = postgres
        self.fuses = Fuses(folder / "fuses")
        self.processes: list[Process] = []
        self._stack = ExitStack()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.client = Client(self.url, self._make_key())
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("MARROW_")
        }
        self.environment |= LADDER
        self.environment |= {
            "PYTHONPATH": f"{PLUG}{os.pathsep}{ROOT}",
            FOLDER: str(self.fuses.folder),
            "MARROW_DATA_DIR": str(folder),
            "MARROW_DATABASE_URL": database.url.render_as_string(hide_password=False),
            "MARROW_REDIS_URL": redis.url,
            "MARROW_WORKER_CONCURRENCY": "2",
        }

    @classmethod
    @contextmanager
    def on(cls, kind: str, folder: Path, postgres: Postgres) -> Iterator[Self]:
        """Give an installation on a new database of this kind, and remove it at the end."""
        with ExitStack() as stack:
            if kind == "sqlite":
                url = f"sqlite:///{folder / 'marrow.sqlite3'}"
            else:
                url = stack.enter_context(postgres.database())
            redis = stack.enter_context(RedisServer.started())
            database = stack.enter_context(Database(url))
            database.upgrade()
            watch(database)
            server = postgres if kind == "postgresql" else None
            made = cls(folder, database=database, redis=redis, postgres=server)
            stack.callback(made.end)
            yield made

    def end(self) -> None:
        """End all processes."""
        for process in self.processes:
            process.kill_all()
        self._stack.close()
        self.client.http.close()
        self._listener.close()

    def start(self, *parts: str) -> list[Process]:
        """Start parts (``api``, ``worker``, ``dispatcher``), each its own process."""
        return [self._start(part) for part in parts]

    def start_all(self) -> None:
        """Start one of each, and wait until reports are accepted and read."""
        self.start("api", "worker", "dispatcher")
        self.wait_for_api()
        wait_until(
            lambda: "worker_started" in self.part("worker").said(),
            deadline_s=START_S,
            what="the worker",
        )

    def start_again(self, ended: Process) -> Process:
        """Wait for a process's end, and start it once more, as a supervisor does."""
        ended.wait()
        return self._start(ended.words[0])

    def start_again_what_ended(self) -> None:
        """Start anew what has ended by itself, as a supervisor does."""
        newest = {process.words[0]: process for process in self.processes}
        for part, process in newest.items():
            if not process.runs:
                self._start(part)

    def part(self, name: str) -> Process:
        """Return the newest process of a part that runs."""
        return next(one for one in reversed(self.processes) if one.words[0] == name and one.runs)

    def wait_for_api(self) -> None:
        """Wait until reports are accepted."""

        def answers() -> bool:
            with suppress(httpx.TransportError):
                return httpx.get(f"{self.url}/healthz/live").is_success
            return False

        wait_until(answers, deadline_s=START_S, what="the API")

    def hit(self, action: Action, point: Point) -> None:
        """Wait until a fuse that was armed has hit somebody."""
        wait_until(
            lambda: not self.fuses.is_armed(action, point),
            deadline_s=START_S,
            what=f"a process to be hit at {point}",
        )

    def thaw(self) -> None:
        """Let every process go on that was frozen by a fuse."""
        for pid in self.fuses.hit():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def redis_by_network(self) -> Proxy:
        """Let the processes that are started from now on reach Redis through a network."""
        proxy = self._stack.enter_context(Proxy(self.redis.socket))
        self.environment["MARROW_REDIS_URL"] = f"redis://127.0.0.1:{proxy.port}/0"
        return proxy

    def postgres_by_network(self) -> Proxy:
        """Let the processes that are started from now on reach PostgreSQL through a network."""
        assert self.postgres is not None
        proxy = self._stack.enter_context(Proxy(self.postgres.socket))
        url = self.database.url.set(host="127.0.0.1", port=proxy.port, query={})
        self.environment["MARROW_DATABASE_URL"] = url.render_as_string(hide_password=False)
        return proxy

    def _make_key(self) -> str:
        settings = StorageSettings(data_dir=self.folder)
        pepper = keys.load_pepper(settings.pepper_path, create=True)
        with self.database.begin() as conn:
            return keys.create(conn, pepper, name="chaos", scopes=tuple(Scope)).token

    def _start(self, part: str) -> Process:
        words: tuple[str, ...] = (part,)
        fd = None
        if part == "api":
            # As under `marrow serve`, the listener outlives the API: no connection is refused.
            fd = self._listener.fileno()
            words = (part, "--fd", str(fd))
        log = self.folder / f"{part}-{len(self.processes)}.log"
        process = Process(words, self.environment, log, fd)
        self.processes.append(process)
        return process
