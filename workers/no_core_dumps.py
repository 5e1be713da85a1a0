"""No process leaves its memory behind when it dies: reports are in it (Linux).

Both are needed: a limit stops the kernel from writing a file, but not from handing the memory to a
program that ``core_pattern`` names. What is not dumpable is not readable by debuggers of the same
user either. Children inherit both.
"""

from __future__ import annotations

import ctypes
import resource

_PR_SET_DUMPABLE = 4


def forbid_core_dumps() -> None:
    """Let neither the kernel nor a debugger read this process's memory."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0)
