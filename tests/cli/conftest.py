"""A running service for the commands that need one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment that points to a running service with its key."""
    folder = tmp_path_factory.mktemp("service")
    output = folder / "serve.out"
    words = ["-m", "cli.serve", "--data-dir", str(folder / "data"), "--port", "0", "--workers", "1"]
    with output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            env={
                name: value for name, value in os.environ.items() if not name.startswith("MARROW_")
            },
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 90
        while not (url := re.search(r"Ready on (http://\S+)", output.read_text())):
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.1)
        key = re.search(r"First admin key, shown this once: (marrow_\w+)", output.read_text())
        assert key is not None
        yield {"MARROW_URL": url[1], "MARROW_API_KEY": key[1]}
    finally:
        process.terminate()
        process.wait(timeout=40)
