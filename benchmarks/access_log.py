"""What the access log costs a request: ``python -m benchmarks.access_log``.

One server, one stored report, asked for again and again over HTTP, by one client and by sixteen;
once with every reading committed to the log before its answer, and once with the log's writing
left out. On SQLite in a temporary directory, or where ``--database-url`` says.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from api.app import create_app
from api.scopes import Scope
from api.server import make_server
from api.settings import ApiSettings
from storage import keys
from storage.database import Database
from storage.settings import StorageSettings
from workers import logs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastapi import FastAPI

    from storage.access_model import Entry

CLIENTS = (1, 16)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each number of clients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200, help="for each client")
    parser.add_argument("--database-url", help="an empty database; without it SQLite")
    options = parser.parse_args(arguments)
    logs.configure(stream=StringIO())
    with tempfile.TemporaryDirectory(prefix="marrow-access-log-") as folder:
        settings = StorageSettings(data_dir=Path(folder), database_url=options.database_url)
        with _served(settings) as (app, url, token), httpx.Client() as client:
            headers = {"Authorization": f"Bearer {token}"}
            posted = client.post(
                f"{url}/v1/reports", json={"text": "Bone marrow oedema."}, headers=headers
            )
            path = url + posted.headers["location"]
            for clients in CLIENTS:
                _measure(path, headers, clients, options.requests)  # warm
                logged = _measure(path, headers, clients, options.requests)
                with _without_writing(app):
                    bare = _measure(path, headers, clients, options.requests)
                print(f"{clients:>2} clients: logged {logged}; not logged {bare}")
    return 0


def _measure(path: str, headers: dict[str, str], clients: int, requests: int) -> str:
    def ask(_number: int) -> list[float]:
        taken = []
        with httpx.Client(headers=headers, timeout=60) as client:
            for _ in range(requests):
                begun = time.perf_counter()
                client.get(path).raise_for_status()
                taken.append((time.perf_counter() - begun) * 1000)
        return taken

    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        taken = [ms for some in pool.map(ask, range(clients)) for ms in some]
    rate = len(taken) / (time.perf_counter() - begun)
    p99 = statistics.quantiles(taken, n=100)[98]
    return f"p50 {statistics.median(taken):.1f} ms, p99 {p99:.1f} ms, {rate:.0f}/s"


@contextmanager
def _without_writing(app: FastAPI) -> Iterator[None]:
    log = app.state.service.access_log
    real = log.write

    async def pass_over(_entry: Entry) -> None:
        """Do nothing, where the log would wait for its commit."""

    log.write = pass_over
    yield
    log.write = real


@contextmanager
def _served(settings: StorageSettings) -> Iterator[tuple[FastAPI, str, str]]:
    with Database.open(settings) as database:
        database.upgrade()
        pepper = keys.load_pepper(settings.pepper_path, create=True)
        with database.begin() as conn:
            token = keys.create(conn, pepper, name="bench", scopes=Scope).token
    app = create_app(ApiSettings(), settings, ring=lambda _work_id, _lane: None)
    server = make_server(app)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield app, f"http://127.0.0.1:{listener.getsockname()[1]}", token
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    sys.exit(main())
