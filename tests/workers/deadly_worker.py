"""A real worker with the real extractor, which kills or freezes its process on some reports."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from extractor import Extractor
from workers.processes import run_worker
from workers.settings import WorkerSettings

if TYPE_CHECKING:
    from extractor import Report, Result


class Deadly(Extractor):
    """Reads "POISON" and, where it is told to, "FREEZE" as orders."""

    def extract(self, report: Report) -> Result:
        if "POISON" in report.text:
            os.kill(os.getpid(), signal.SIGKILL)
        if "FREEZE" in report.text and "DEADLY_FREEZES" in os.environ:
            os.kill(os.getpid(), signal.SIGSTOP)
        return super().extract(report)


if __name__ == "__main__":
    sys.exit(run_worker(WorkerSettings(), load=Deadly.load))
