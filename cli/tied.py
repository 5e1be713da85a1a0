"""Become another program that dies with the process that started this one (Linux).

Run as ``python tied.py PARENT COMMAND...`` with the number of that process. A program of its own and
not a function between fork and exec: there a lock that another thread held stays locked for ever.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, and become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    # What the kernel is told here holds for the program that this process becomes, too.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - our own commands, no shell


if __name__ == "__main__":
    main()
