"""A real worker process whose reader does what the text tells it to, good or bad.

Run as a script; settings from the environment. All but the reading is the real thing.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from tests.results import make_mention, make_result
from workers.processes import run_worker
from workers.settings import WorkerSettings

if TYPE_CHECKING:
    from extractor.model import Report, Result


class Crude:
    """Reads "SLOW", "HANG", "FREEZE", "RAISE" and "POISON" as orders."""

    def extract(self, report: Report) -> Result:
        if "POISON" in report.text:
            os.kill(os.getpid(), signal.SIGKILL)
        if "FREEZE" in report.text and "CRUDE_FREEZES" in os.environ:
            os.kill(os.getpid(), signal.SIGSTOP)
        if "RAISE" in report.text:
            raise ValueError(report.text)
        if "SLOW" in report.text:
            time.sleep(0.005)
        while "HANG" in report.text:
            pass
        return make_result(make_mention(), report_id=report.report_id)


if __name__ == "__main__":
    sys.exit(run_worker(WorkerSettings(), load=Crude))
