from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.workers.services import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_CRASH = """
import ctypes, os, resource, sys
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
if "forbid" in sys.argv:
    from workers.no_core_dumps import forbid_core_dumps
    forbid_core_dumps()
if os.fork() == 0:
    os.abort()
_, status = os.wait()
print(os.WCOREDUMP(status), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


def crash(folder: Path, *words: str) -> list[str]:
    """Return whether a forked child that aborted was dumped, and whether its parent would be."""
    command = [sys.executable, "-c", _CRASH, *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, check=True)
    return done.stdout.decode().split()


def test_a_process_and_its_children_leave_no_memory_behind_when_they_crash(
    tmp_path: Path,
) -> None:
    assert crash(tmp_path, "forbid") == ["False", "0"]
    assert list(tmp_path.iterdir()) == []
    _, dumpable = crash(tmp_path)
    assert dumpable == "1"
