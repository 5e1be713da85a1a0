"""``marrow serve``: the whole service on one machine, with the Redis and the database it needs.

Everything that production runs is run: API, Celery worker and dispatcher as processes of their
own. Only where they keep things differs: SQLite and a Redis on a Unix socket, both in the data
directory, unless ``MARROW_DATABASE_URL`` or ``MARROW_REDIS_URL`` names others.
"""

from __future__ import annotations

import os
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated

import typer

from cli.processes import one_line_errors
from cli.supervisor import Part, StopRequested, Supervisor, SupervisorError

READY_TIMEOUT_S = 120.0
REDIS_TIMEOUT_S = 15.0


def serve(
    *,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The TCP port; 0 takes a free one.")] = 8765,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Where everything is kept.", show_default="./marrow-data"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that read reports.", show_default="one a core"),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print the logs here, not into files.")
    ] = False,
) -> None:
    """Run the whole service here; Ctrl-C stops it.

    The first start prints the first admin key, once. Example: marrow serve --port 8080
    """
    if data_dir is not None:
        os.environ["MARROW_DATA_DIR"] = str(data_dir.resolve())
    if workers is not None:
        os.environ["MARROW_WORKER_CONCURRENCY"] = str(workers)
    try:
        with one_line_errors():
            _serve(host, port, verbose=verbose)
    except StopRequested:
        _say("stopped before it was ready")
    except SupervisorError as error:
        _say(str(error))
        raise typer.Exit(2) from None


def _serve(host: str, port: int, *, verbose: bool) -> None:
    from api.settings import ApiSettings
    from extractor._version import __version__
    from storage.in_use import only_one
    from workers.settings import WorkerSettings

    # Wrong settings are better said here, once, than by each part in its log.
    ApiSettings()
    data_dir = WorkerSettings().make_data_dir().resolve()
    # What the parts are told does not depend on the directory that they run in.
    os.environ["MARROW_DATA_DIR"] = str(data_dir)
    # The API goes by the address that it is reached at.
    os.environ["MARROW_HOST"] = host
    with only_one(data_dir), _listening(host, port) as listener:
        print(f"Marrow {__version__}: a tool for search and audit, not a diagnosis", flush=True)
        key = prepare_storage()
        if key is not None:
            print(f"First admin key, shown this once: {key}", flush=True)
        log_dir = None if verbose else data_dir / "logs"
        with Supervisor(env=os.environ, log_dir=log_dir, say=_say) as supervisor:
            _start(supervisor, listener, data_dir)
            address = _address(listener)
            supervisor.wait_until(
                lambda: _answers(f"{address}/healthz/ready"),
                timeout_s=READY_TIMEOUT_S,
                what="the API",
            )
            print(f"Ready on {address}", flush=True)
            where = "" if log_dir is None else f", logs in {log_dir}"
            print(f"Data in {data_dir}{where}. Ctrl-C stops.", flush=True)
            supervisor.watch()
            _say("stopping")
    _say("stopped")


def prepare_storage() -> str | None:
    """Bring the database up to date; return the first admin key where there was none yet."""
    from api.scopes import Scope
    from storage import keys
    from storage.database import Database
    from storage.settings import StorageSettings

    settings = StorageSettings()
    database = Database.open(settings)
    try:
        database.upgrade()
        database.check_current()
        pepper = keys.load_pepper(settings.pepper_path, create=settings.key_pepper_file is None)
        with database.begin() as conn:
            if keys.count(conn):
                return None
            return keys.create(conn, pepper, name="first admin", scopes=Scope).token
    finally:
        database.dispose()


def _start(supervisor: Supervisor, listener: socket.socket, data_dir: Path) -> None:
    from workers.bell import BellSettings
    from workers.embedded_redis import EmbeddedRedis, answers

    if BellSettings().redis_url is None:
        redis = EmbeddedRedis(data_dir)
        redis.socket.unlink(missing_ok=True)
        supervisor.start(Part("redis", tuple(redis.command()), stops_last=True))
        supervisor.wait_until(
            lambda: answers(redis.socket), timeout_s=REDIS_TIMEOUT_S, what="Redis"
        )
    ours = (sys.executable, "-m", "cli.processes")
    # The API inherits the socket: when it is restarted, no connection is refused meanwhile.
    descriptor = listener.fileno()
    supervisor.start(Part("api", (*ours, "api", "--fd", str(descriptor)), pass_fds=(descriptor,)))
    supervisor.start(Part("worker", (*ours, "worker")))
    supervisor.start(Part("dispatcher", (*ours, "dispatcher")))


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise SupervisorError(
            f"cannot listen on {host} port {port} ({error.strerror}); choose another with --port"
        ) from None


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not a bind
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own address
            return True
    except (OSError, urllib.error.URLError):
        return False


def _say(message: str) -> None:
    print(f"marrow: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    typer.run(serve)
