"""The supervisor with small real processes."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from cli import supervisor as module
from cli.supervisor import Part, StopRequested, Supervisor, SupervisorError

SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
STUBBORN = (
    sys.executable,
    "-c",
    (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "open('ready', 'w').close(); time.sleep(60)"
    ),
)


def supervisor(tmp_path: Path, said: list[str]) -> Supervisor:
    return Supervisor(env=os.environ, log_dir=tmp_path / "logs", say=said.append)


def pids(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_dead_part_starts_again_and_all_stop_at_the_end(tmp_path: Path) -> None:
    starts, said = tmp_path / "starts", list[str]()
    script = (
        f"import os, time; open({str(starts)!r}, 'a').write(f'{{os.getpid()}}\\n'); time.sleep(60)"
    )
    with supervisor(tmp_path, said) as parts:
        parts.start(Part("one", (sys.executable, "-c", script)))
        parts.wait_until(lambda: len(pids(starts)) == 1, timeout_s=10, what="one")
        os.kill(pids(starts)[0], signal.SIGKILL)
        parts.wait_until(lambda: len(pids(starts)) == 2, timeout_s=10, what="one again")
        assert is_alive(pids(starts)[1])
    assert not any(is_alive(pid) for pid in pids(starts))
    assert said[0].startswith("one ended (killed by SIGKILL); see ")
    assert said[0].endswith("one.log; starting it again in 0.5 s")


def test_a_part_that_cannot_start_ends_it_all(tmp_path: Path) -> None:
    failing = Part("bad", (sys.executable, "-c", "import sys; sys.exit(3)"))
    with supervisor(tmp_path, []) as parts:
        parts.start(failing)
        with pytest.raises(SupervisorError, match=r"bad ended \(exit code 3\)"):
            parts.wait_until(lambda: False, timeout_s=30, what="bad")


def test_a_command_that_is_not_there_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(SupervisorError, match="cannot start gone: No such file"),
        supervisor(tmp_path, []) as parts,
    ):
        parts.start(Part("gone", (str(tmp_path / "gone"),)))


def test_waiting_has_an_end(tmp_path: Path) -> None:
    with (
        pytest.raises(SupervisorError, match=r"it is not ready after 0\.1 s; see "),
        supervisor(tmp_path, []) as parts,
    ):
        parts.wait_until(lambda: False, timeout_s=0.1, what="it")


def test_a_signal_ends_the_wait_at_once(tmp_path: Path) -> None:
    started = time.monotonic()
    with supervisor(tmp_path, []) as parts:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(StopRequested):
            parts.wait_until(lambda: False, timeout_s=30, what="it")
    assert time.monotonic() - started < 5


def test_a_part_that_does_not_stop_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_GRACE_S", 0.3)
    monkeypatch.chdir(tmp_path)
    with supervisor(tmp_path, []) as parts:
        parts.start(Part("stubborn", STUBBORN))
        parts.wait_until((tmp_path / "ready").exists, timeout_s=10, what="stubborn")
        started = time.monotonic()
    assert time.monotonic() - started < 5


def test_signals_are_given_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with supervisor(tmp_path, []) as parts:
        parts.start(Part("one", SLEEP))
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_log_that_grew_large_is_put_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_LOG_BYTES", 10)
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "one.log").write_text("old " * 10)
    with supervisor(tmp_path, []) as parts:
        parts.start(Part("one", SLEEP))
    assert (logs / "one.log.1").read_text() == "old " * 10
    assert (logs / "one.log").read_text() == ""
