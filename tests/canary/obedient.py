"""The real API or the real worker, whose extractor does what a marked report tells it to.

Run as a script with ``api`` or ``worker``; all but the orders is the real thing. An order that
fails says the report's text in every way that code of others might.
"""

from __future__ import annotations

import base64
import gc
import logging
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from api import app as application
from api.problems import Code, Problem
from extractor import Extractor
from workers.processes import run_worker
from workers.settings import WorkerSettings

if TYPE_CHECKING:
    from extractor import Report, Result

HANG, RAISE, ABORT, GROW = "ORDERHANG", "ORDERRAISE", "ORDERABORT", "ORDERGROW"
LEAK_LOG, LEAK_BROKER = "ORDERLEAKLOG", "ORDERLEAKBROKER"
LEAK_PROBLEM, LEAK_FILE = "ORDERLEAKPROBLEM", "ORDERLEAKFILE"
_HANG_S = 3.0
"""The API's thread is not to be lost for good."""


class Dying:
    """Raises when nobody can catch it any more."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __del__(self) -> None:
        raise ValueError(self._text)


class Obedient(Extractor):
    """Reads "ORDER..." in a text as an order."""

    def extract(self, report: Report) -> Result:
        text = report.text
        if HANG in text:
            end = time.monotonic() + _HANG_S
            while time.monotonic() < end:
                pass
        if RAISE in text:
            _fail(text)
        if GROW in text:
            raise MemoryError(text)
        if ABORT in text:
            os.abort()
        _leak(text)
        return super().extract(report)


def _fail(text: str) -> None:
    """Fail as loudly as code of others can."""
    warnings.warn(text, UserWarning, stacklevel=1)
    for name in ("spacy", "medspacy", "py.warnings", "asyncio", "ours.or.not"):
        logging.getLogger(name).error(text)
        logging.getLogger(name).error("read %s", text, extra={"report": text})
    dying = Dying(text)
    del dying
    gc.collect()
    try:
        raise ValueError(text)  # noqa: TRY301 - what is tested
    except ValueError as error:
        error.add_note(text)
        raise RuntimeError(f"cannot read {text!r}") from error


def _leak(text: str) -> None:
    """Let a text out where the canary has to find it."""
    if LEAK_LOG in text:
        sys.stderr.write(text)
        sys.stderr.flush()
    if LEAK_BROKER in text:
        url = os.environ["MARROW_REDIS_URL"].replace("redis+socket://", "unix://")
        with redis.Redis.from_url(url) as client:
            client.set("leak", base64.b64encode(text.encode()))
            client.delete("leak")
    if LEAK_PROBLEM in text:
        raise Problem(Code.BAD_REQUEST, text)
    if LEAK_FILE in text:
        descriptor, name = tempfile.mkstemp(dir=Path(tempfile.gettempdir()))
        os.write(descriptor, text.encode("utf-16"))
        os.close(descriptor)
        del name


def main(part: str, *words: str) -> None:
    """Run a part of the service."""
    if part == "worker":
        sys.exit(run_worker(WorkerSettings(), load=Obedient.load))
    vars(application)["Extractor"] = Obedient  # what the application loads
    from cli.processes import app

    app(["api", *words])


if __name__ == "__main__":
    main(*sys.argv[1:])
