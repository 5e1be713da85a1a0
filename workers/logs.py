"""Logs: one JSON object a line on standard error, and never the text of a report.

What is logged is an event's name and the keys in :data:`ALLOWED`; all else is dropped. Of an
exception its type and frames are kept, not its message, which may quote what was read. Of the
libraries' own messages the template is kept without what would be put into it, and that only of
libraries that never see a report.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from structlog.typing import EventDict, FilteringBoundLogger

ALLOWED = frozenset(
    {
        "accepted",
        "attempts",
        "audit",
        "audits",
        "cancelled",
        "code",
        "concurrency",
        "deleted",
        "done",
        "ending",
        "error_type",
        "event",
        "failed",
        "frames",
        "head",
        "key",
        "lane",
        "level",
        "line",
        "method",
        "module",
        "number",
        "open",
        "pid",
        "port",
        "process",
        "quarantined",
        "read",
        "reclaimed",
        "report",
        "reports",
        "request",
        "revision",
        "route",
        "rung",
        "seconds",
        "split",
        "status",
        "time",
        "version",
        "work",
    }
)
"""Names, numbers and our own ids; nothing that a client or a library chooses."""
_TRUSTED = ("celery", "kombu", "billiard", "redis", "alembic", "uvicorn")
"""Loggers of libraries that see row numbers only."""
_MAX_FRAMES = 30


def configure(*, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send everything that is logged in this process through here, warnings and crashes too."""
    _configure_ours(level=level, stream=stream)
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(_LibraryFormatter())
    logging.root.handlers = [handler]
    logging.root.setLevel(logging.WARNING)
    # For loggers that pass nothing on and have no handler: Python would print their message.
    logging.lastResort = handler
    _leave_no_other_handler()
    warnings.showwarning = _log_warning
    sys.excepthook = _log_crash
    sys.unraisablehook = _log_unraisable
    threading.excepthook = _log_thread_crash


def _leave_no_other_handler() -> None:
    """Take from libraries what they would print with by themselves, messages and all."""
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger) and logger.handlers:
            logger.handlers = []
            logger.propagate = True


def _configure_ours(*, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    structlog.configure(
        processors=[_add_level, _finish],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr if stream is None else stream),
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> FilteringBoundLogger:
    """Return a logger of ours; an exception goes in as ``error=``, or by ``exception()``."""
    logger: FilteringBoundLogger = structlog.get_logger(module=name)
    return logger


def frames(error: BaseException) -> list[str]:
    """Return where an exception passed, innermost last, as ``file:line function``."""
    passed = traceback.extract_tb(error.__traceback__, limit=-_MAX_FRAMES)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in passed]


def _add_level(logger: object, method: str, event: EventDict) -> EventDict:
    del logger
    event["level"] = method
    return event


def _finish(logger: object, method: str, event: EventDict) -> str:
    del logger, method
    return _line(event.items())


def _line(items: Iterable[tuple[str, Any]]) -> str:
    """Return the line of an event, with nothing in it that is not allowed."""
    event = dict(items)
    error = event.pop("error", None)
    if event.pop("exc_info", None) is True:  # from logger.exception(...)
        error = sys.exception()
    if isinstance(error, BaseException):
        event |= {"error_type": type(error).__qualname__, "frames": frames(error)}
    kept = {key: value for key, value in event.items() if key in ALLOWED}
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"time": moment} | kept, default=lambda value: type(value).__qualname__)


class _LibraryFormatter(logging.Formatter):
    """Writes what libraries log."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line, without the values in its message."""
        is_trusted = record.name.partition(".")[0] in _TRUSTED and isinstance(record.msg, str)
        event = {
            "module": record.name,
            "level": record.levelname.lower(),
            "event": record.msg if is_trusted else "library_message",
            "line": record.lineno,
            "error": record.exc_info[1] if record.exc_info else None,
        }
        return _line(event.items())


def _log_warning(  # noqa: PLR0917 (as warnings.showwarning has them)
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    del message, file, line  # both may quote anything
    place = f"{filename}:{lineno}"
    get_logger("warnings").warning("warned", error_type=category.__qualname__, frames=[place])


def _log_crash(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    del trace
    if issubclass(kind, KeyboardInterrupt):
        return
    get_logger("process").critical("crashed", error=error)


def _log_unraisable(args: sys.UnraisableHookArgs) -> None:
    """Log what is raised where nobody can catch it, as in ``__del__``."""
    get_logger("process").error("crashed_unseen", error=args.exc_value)


def _log_thread_crash(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        _log_crash(args.exc_type, args.exc_value, args.exc_traceback)


# Whoever logs without having called configure() must not get structlog's own way, which prints
# messages and local variables.
_configure_ours()
