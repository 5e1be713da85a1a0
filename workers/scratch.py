"""Where a step makes its files before they are put into the store: report text, not to be left."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from workers.holder import holder, is_dead

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storage.model import Claim

_OLD_S = 2 * 24 * 3_600


@contextmanager
def scratch(root: Path, claim: Claim) -> Iterator[Path]:
    """Give an empty folder for one step, and remove it; those of dead processes are removed, too."""
    tidy(root)
    folder = root / _name(holder()) / f"{claim.work_id}-{claim.token}"
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def tidy(root: Path) -> None:
    """Remove what dead processes of this machine have left, and what nobody touched for days."""
    for folder in root.glob("*"):
        if is_dead(_process(folder.name)) or _is_old(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_old(folder: Path) -> bool:
    """Return whether it is of a process that cannot be looked up: before the last boot, say."""
    with suppress(FileNotFoundError):
        return time.time() - folder.stat().st_mtime > _OLD_S
    return False


def _name(process: str) -> str:
    """Return a folder's name for a process: plain letters, as polars takes brackets for a pattern."""
    return process.encode().hex()


def _process(name: str) -> str:
    try:
        return bytes.fromhex(name).decode()
    except ValueError:
        return ""
