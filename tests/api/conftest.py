"""The real application on a real port, over a real database, for all tests of the API."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import StringIO
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api.app import create_app
from api.scopes import Scope
from api.server import make_server
from api.settings import ApiSettings
from extractor import Extractor
from storage import keys, work
from storage.database import Database
from storage.model import WorkKind
from storage.settings import StorageSettings
from tests.services import Postgres, wait_until
from workers import logs
from workers.run_work import run_work
from workers.settings import WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI

    from api.oidc_settings import OidcSettings
    from storage.model import Lane

HIP_MRI = (
    "MRI LEFT HIP\n\nCLINICAL HISTORY: 47-year-old man, left hip pain, no trauma.\n\n"
    "FINDINGS: There is extensive bone marrow oedema of the left femoral head and neck.\n"
    "Moderate joint effusion. No subchondral fracture line. The right hip is normal.\n\n"
    "IMPRESSION: Findings in keeping with transient osteoporosis of the left hip.\n"
)
PATIENCE_S = 60
"""Before a test gives up on an answer, on a machine that has much else to do."""


@cache
def read_by() -> Extractor:
    """The extractor of the tests, loaded once."""
    return Extractor.load()


_DESKS: list[Desk] = []
"""Of the servers that run."""


class Desk:
    """Hears the API's bell; a test does the work when it wants to, by the workers' function."""

    def __init__(self, database: Database, settings: WorkerSettings) -> None:
        self.database = database
        self._settings = settings
        self._rung: SimpleQueue[int] = SimpleQueue()

    def ring(self, work_id: int, lane: Lane) -> None:
        del lane
        self._rung.put(work_id)

    def work(self, units: int = 1) -> None:
        """Read the reports that wait, and those for which it is rung, until so many units are done.

        A bell may be that of another test's report, which was read before: it tells only when to look.
        """
        done = self.settle()
        while done < units:
            self._rung.get(timeout=20)
            done += self.settle()

    def settle(self) -> int:
        """Read the reports that wait; return how many units of work they were."""
        due = self._due(is_report=True)
        for work_id in due:
            self._do(work_id)
        return len(due)

    def work_on_audits(self) -> None:
        """Do all steps of audits that there are, as a dispatcher and a worker would."""
        while due := self._due(is_report=False):
            for work_id in due:
                self._do(work_id)

    def _due(self, *, is_report: bool) -> list[int]:
        with self.database.read() as conn:
            units = work.ring_due(conn, older_than_s=-1, limit=1_000)
        return [unit.work_id for unit in units if (unit.kind is WorkKind.REPORTS) == is_report]

    def _do(self, work_id: int) -> None:
        run_work(work_id, database=self.database, reader=read_by(), settings=self._settings)


@dataclass
class Api:
    """A running server, the ways to talk to it, and what it logs."""

    app: FastAPI
    url: str
    database: Database
    pepper: bytes
    desk: Desk
    log: StringIO
    folder: Path

    def key(self, *scopes: str) -> str:
        """Make a key and return its token."""
        with self.database.begin() as conn:
            return keys.create(conn, self.pepper, name="test", scopes=scopes).token

    def client(self, *scopes: str) -> httpx.Client:
        """Return a client whose key has these scopes; all of them where none is named."""
        token = self.key(*(scopes or tuple(Scope)))
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE_S)

    def wait_for_patterns(self) -> None:
        """Wait until the server reads reports itself."""
        ready = f"{self.url}/healthz/ready"
        wait_until(lambda: httpx.get(ready).is_success, deadline_s=60, what="the patterns")

    def anonymous(self) -> httpx.Client:
        """Return a client without a key."""
        return httpx.Client(base_url=self.url, timeout=PATIENCE_S)


LOG = StringIO()
"""What all servers of these tests log: where logs go is the same for a whole process."""


@pytest.fixture(autouse=True)
def _log_here() -> None:
    """Send the logs to the tests here: other tests send them elsewhere."""
    logs.configure(stream=LOG)


@pytest.fixture(autouse=True)
def _nothing_waits() -> None:
    """Read what tests before have posted and left: a test's work is its own."""
    for desk in _DESKS:
        desk.settle()


@contextmanager
def running(
    settings: StorageSettings,
    *,
    is_upgraded: bool = True,
    oidc: OidcSettings | None = None,
    **api_settings: Any,
) -> Iterator[Api]:
    database = Database.open(settings)
    if is_upgraded:
        database.upgrade()
    pepper = keys.load_pepper(settings.pepper_path, create=True)
    desk = Desk(database, WorkerSettings.model_validate(settings.model_dump()))
    # All tests come from one address, and some are wrong on purpose.
    usual = {"max_body_bytes": 2048, "max_archive_bytes": 8_000_000, "max_failed_sign_ins": 10_000}
    app = create_app(
        ApiSettings.model_validate(usual | api_settings), settings, ring=desk.ring, oidc=oidc
    )
    server = make_server(app)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            wait_until(lambda: server.started, what="the server")
            if is_upgraded:
                _DESKS.append(desk)
            yield Api(app, url, database, pepper, desk, LOG, settings.data_dir)
        finally:
            if desk in _DESKS:
                _DESKS.remove(desk)
            server.should_exit = True
            thread.join(timeout=30)
            database.dispose()


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server on SQLite, shared by all tests."""
    folder: Path = tmp_path_factory.mktemp("api")
    sources = folder / "sources"
    sources.mkdir()
    with running(StorageSettings(data_dir=folder, source_roots=(sources,))) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_api(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Api]:
    """A server on PostgreSQL."""
    folder: Path = tmp_path_factory.mktemp("api-postgres")
    with (
        postgres.database() as url,
        running(StorageSettings(data_dir=folder, database_url=url)) as server,
    ):
        yield server


@pytest.fixture
def client(api: Api) -> Iterator[httpx.Client]:
    """A client that may do everything."""
    with api.client() as one:
        yield one
