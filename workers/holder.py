"""Who holds a lease, so that a dispatcher on the same machine sees that he is dead.

A lease ends by itself, but minutes later. Where the holder's process can be looked up (same
boot, same process namespace), its unit goes back within a second. A wrong answer does no harm:
results count only under the token of the current lease.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

_SLASHES = 2


def holder() -> str:
    """Return the name of this process: machine, process id, and when it started."""
    pid = os.getpid()
    return f"{_machine()}/{pid}/{_started(pid) or ''}"


def is_dead(name: str) -> bool:
    """Return whether the process of that name is known to be gone; ``False`` if it cannot be."""
    machine, pid, started = name.split("/") if name.count("/") == _SLASHES else ("", "", "")
    if not machine or machine != _machine():
        return False
    return pid.isdigit() and _started(int(pid)) != started


@cache
def _machine() -> str:
    """Name this boot of this machine and the namespace that process ids are of."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return ""
    return f"{boot}:{namespace}"


def _started(pid: int) -> str | None:
    """Return when a process started, in clock ticks since the boot; ``None`` where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    # A zombie holds nothing any more. The fields begin with the third of proc(5), the state.
    return None if fields[0] in {"Z", "X"} else fields[19]
