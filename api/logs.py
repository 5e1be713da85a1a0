"""Structured logging with an allow-list: a key that is not on it never reaches a log.

Logs are read by more people than reports are, so nothing that a client sent is logged: no path
(its last part may be anything), no query, no header, no body, no exception message (a library's
message may quote what it failed on). Exceptions are logged as their type and their frames.
"""

from __future__ import annotations

import logging
import sys
import traceback
from types import TracebackType
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

ALLOWED = frozenset(
    {
        "timestamp", "level", "event", "process", "request_id", "method", "route", "status",
        "duration_ms", "key_id", "code", "error_type", "frames", "reports", "new_reports",
        "address", "version", "patterns_digest", "signal", "pid", "name", "exit_code",
    }
)  # fmt: skip


def keep_allowed(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop every key that is not on the list (a structlog processor)."""
    return {key: value for key, value in event.items() if key in ALLOWED}


def frames(tb: TracebackType | None) -> list[str]:
    """Return ``file:line function`` of each frame, innermost last; no values, no message."""
    return [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(tb)]


def configure(stream: TextIO | None = None, *, process: str = "api") -> None:
    """Log one JSON object a line to ``stream`` (standard error), other libraries' warnings too."""
    out = stream or sys.stderr
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _Process(process),
            keep_allowed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(_NamesOnly(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


class _Process:
    """Adds which process speaks (a structlog processor)."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("process", self._name)
        return event


class _NamesOnly(logging.Formatter):
    """Formats a record of another library: who, where and which error, but not its message."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._render = structlog.processors.JSONRenderer()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON object."""
        event: EventDict = {
            "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "process": self._process,
            "event": "library_log",
            "name": f"{record.name}:{record.funcName}:{record.lineno}",
        }
        if record.exc_info and record.exc_info[0] is not None:
            event["error_type"] = record.exc_info[0].__name__
            event["frames"] = frames(record.exc_info[2])
        return str(self._render(None, record.levelname, event))
