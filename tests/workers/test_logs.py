from __future__ import annotations

import json
import logging
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

from workers import logs

if TYPE_CHECKING:
    import io

    import pytest

SECRET = "ZZPHI-7f3a"


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def fail() -> None:
    raise ValueError(SECRET)


def test_an_event_keeps_the_keys_that_are_allowed(stream: io.StringIO) -> None:
    logs.get_logger("here").info("done", work=7, text=SECRET, patient=SECRET)
    [line] = lines(stream)
    assert line.pop("time").endswith("+00:00")
    assert line == {"event": "done", "work": 7, "module": "here", "level": "info"}


def test_a_value_that_is_no_plain_one_is_named_by_its_type(stream: io.StringIO) -> None:
    logs.get_logger("here").info("done", work=ValueError(SECRET))
    assert lines(stream)[0]["work"] == "ValueError"


def test_an_exception_is_its_type_and_where_it_passed(stream: io.StringIO) -> None:
    log = logs.get_logger("here")
    try:
        fail()
    except ValueError as error:
        log.error("failed", error=error)  # noqa: TRY400 (both ways)
        log.exception("failed")
    for line in lines(stream):
        assert line["error_type"] == "ValueError"
        assert line["frames"][-1].endswith(" fail")
    assert SECRET not in stream.getvalue()


def test_libraries_say_their_template_only(stream: io.StringIO) -> None:
    logging.getLogger("celery.worker").error("lost %s", SECRET)
    logging.getLogger("spacy").error(SECRET)
    logging.getLogger("spacy").info(SECRET)
    events = [line["event"] for line in lines(stream)]
    assert events == ["lost %s", "library_message"]
    assert SECRET not in stream.getvalue()


def test_an_exception_of_a_library_does_not_quote(stream: io.StringIO) -> None:
    try:
        fail()
    except ValueError:
        logging.getLogger("celery").exception("task failed: %s", SECRET)
    assert lines(stream)[0]["error_type"] == "ValueError"
    assert SECRET not in stream.getvalue()


def test_warnings_and_crashes_do_not_quote(stream: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = logs._log_warning
        warnings.warn(SECRET, UserWarning, stacklevel=1)
    try:
        fail()
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert [line["event"] for line in lines(stream)] == ["warned", "crashed", "crashed"]
    assert SECRET not in stream.getvalue()


def test_what_is_raised_where_nobody_can_catch_it_does_not_quote(
    stream: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    class Dying:
        def __del__(self) -> None:
            fail()

    dying = Dying()
    del dying
    assert lines(stream)[0]["event"] == "crashed_unseen"
    assert lines(stream)[0]["error_type"] == "ValueError"
    assert SECRET not in stream.getvalue() + capfd.readouterr().err


def test_a_library_that_prints_its_messages_itself_no_longer_does(
    stream: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    loud, closed = logging.getLogger("loud"), logging.getLogger("closed")
    loud.addHandler(logging.StreamHandler())
    closed.propagate = False
    logs.configure(stream=stream)
    loud.error(SECRET)
    closed.error(SECRET)
    assert [line["event"] for line in lines(stream)] == ["library_message"] * 2
    assert SECRET not in stream.getvalue() + capfd.readouterr().err


def test_ctrl_c_is_no_crash(stream: io.StringIO) -> None:
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert stream.getvalue() == ""
