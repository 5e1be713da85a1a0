"""A real object store: SeaweedFS in a process of its own, on ports of this machine alone."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.services import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY, _SECRET = "marrow-test", "opens-nothing-else"


@dataclass(frozen=True)
class ObjectStore:
    """A running store, and what a client needs to know of it."""

    environment: dict[str, str]
    folder: Path

    def bucket(self) -> str:
        """Make an empty bucket, and return its name."""
        name = f"marrow-{uuid.uuid4().hex[:12]}"
        self.filesystem().mkdir(name)
        return name

    def filesystem(self) -> Any:
        """Return a client of our own, to look inside."""
        import s3fs

        return s3fs.S3FileSystem(
            key=_KEY,
            secret=_SECRET,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            skip_instance_cache=True,
            use_listings_cache=False,
        )


def _program() -> str | None:
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


def _free_ports(count: int) -> list[int]:
    """Return free ports; all are held until all are known."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """A store for all tests here; skipped where `make check-s3` has not installed it."""
    pytest.importorskip("s3fs", reason="run: make check-s3")
    program = _program()
    if program is None:
        pytest.skip("run: make check-s3")
    folder = tmp_path_factory.mktemp("seaweed")
    identity = {
        "name": "marrow",
        "credentials": [{"accessKey": _KEY, "secretKey": _SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    names = ("master", "volume", "filer", "s3")
    ports = _free_ports(2 * len(names))
    words = ["server", "-s3", f"-s3.config={config}", f"-dir={folder}", "-volume.max=200"]
    words += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.volumeSizeLimitMB=64"]
    for place, name in enumerate(names):
        words += [f"-{name}.port={ports[2 * place]}", f"-{name}.port.grpc={ports[2 * place + 1]}"]
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ports[6]}",
        "AWS_ACCESS_KEY_ID": _KEY,
        "AWS_SECRET_ACCESS_KEY": _SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *words], stdout=log, stderr=log, cwd=folder)
    store = ObjectStore(environment, folder)
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        wait_until(lambda: _answers(store), deadline_s=60, what="the object store")
        yield store
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
        process.kill()
        process.wait(30)


def _answers(store: ObjectStore) -> bool:
    # Each bucket takes volumes of its own: one is enough to ask with.
    filesystem = store.filesystem()
    with suppress(Exception):
        filesystem.makedirs("probe", exist_ok=True)
        filesystem.pipe_file("probe/probe", b"x")
        return bool(filesystem.cat_file("probe/probe") == b"x")
    return False
