"""The real command in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def marrow(
    *words: str | Path, stdin: str | bytes = b"", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``marrow`` to its end."""
    done = subprocess.run(
        command(*words),
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        timeout=150,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **(environment or {})},
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def command(*words: str | Path) -> list[str]:
    """Return the words that start ``marrow``."""
    return [sys.executable, "-m", "cli", *map(str, words)]


def one_line_error(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line of a command that was used wrongly."""
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("marrow: ")
    return lines[0]


def write_archive(path: Path, reports: list[dict[str, Any]]) -> Path:
    """Write reports as JSON lines."""
    path.write_text("".join(json.dumps(report) + "\n" for report in reports), encoding="utf-8")
    return path
