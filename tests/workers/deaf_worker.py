"""A real worker whose consumer is stuck: it is connected, and hears nothing."""

from __future__ import annotations

import sys
import threading

from celery.worker.consumer import Consumer

from tests.workers.crude_worker import Crude
from workers.processes import run_worker
from workers.settings import WorkerSettings

if __name__ == "__main__":
    Consumer.start = lambda _: threading.Event().wait()
    sys.exit(run_worker(WorkerSettings(), load=Crude))
