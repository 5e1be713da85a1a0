"""The small parts: settings, holder, embedded Redis, the end of orphans."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from tests.services import wait_until
from tests.workers.services import ROOT, is_running
from workers import embedded_redis
from workers.embedded_redis import EmbeddedRedis, find_redis_server
from workers.errors import RedisMissingError, RedisStartError
from workers.holder import holder, is_dead
from workers.settings import WorkerSettings

if TYPE_CHECKING:
    from pathlib import Path


def test_the_default_timeouts_are_a_ladder() -> None:
    assert WorkerSettings().lease_s == 240


@pytest.mark.parametrize(
    "changes",
    [
        {"report_timeout_s": 60},
        {"unit_timeout_s": 200},
        {"unit_timeout_s": 175},
        {"task_time_limit_s": 240},
        {"lease_s": 601},
        {"visibility_timeout_s": 240},
        {"report_timeout_s": 0},
        {"worker_concurrency": 0},
    ],
)
def test_timeouts_that_undercut_each_other_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        WorkerSettings.model_validate(changes)


def test_this_process_is_alive_and_an_ended_one_is_not() -> None:
    assert not is_dead(holder())
    name = subprocess.run(
        [sys.executable, "-c", "from workers.holder import holder; print(holder())"],
        capture_output=True,
        check=True,
        text=True,
        cwd=ROOT,
    ).stdout.strip()
    assert is_dead(name)


def test_another_process_with_the_same_number_is_not_the_holder() -> None:
    machine, pid, started = holder().split("/")
    assert is_dead(f"{machine}/{pid}/{int(started) - 1}")


@pytest.mark.parametrize("name", ["", "/", "elsewhere:pid:[1]/1/1", "a/b/c/d", "//"])
def test_nothing_is_said_of_processes_elsewhere(name: str) -> None:
    assert not is_dead(name)


def test_the_embedded_redis_starts_answers_and_stops(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path)
    server.start()
    pid = server.pid
    assert pid is not None
    assert embedded_redis.answers(server.socket)
    assert oct(server.socket.stat().st_mode)[-3:] == "700"
    server.stop()
    assert not is_running(pid)
    assert not embedded_redis.answers(server.socket)
    server.stop()


def test_a_redis_that_cannot_start_says_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(RedisStartError, match=r"redis\.log"):
        EmbeddedRedis(tmp_path / "missing").start()


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RedisStartError, match="MARROW_DATA_DIR"):
        EmbeddedRedis(tmp_path / ("x" * 120)).start()


def test_redis_is_found_in_the_wheel_and_missing_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert "site-packages" in find_redis_server().parts
    monkeypatch.setattr(embedded_redis, "find_spec", lambda _: None)
    with pytest.raises(RedisMissingError, match="MARROW_REDIS_URL"):
        find_redis_server()


def test_a_child_dies_with_its_parent() -> None:
    child = (
        "import time; from workers.die_with_parent import die_with_parent; "
        "die_with_parent(); print('ready', flush=True); time.sleep(60)"
    )
    parent = (
        "import subprocess, sys; "
        f"p = subprocess.Popen([sys.executable, '-c', {child!r}], stdout=subprocess.PIPE); "
        "p.stdout.readline(); print(p.pid, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", parent]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert is_running(pid)
        process.kill()
        wait_until(lambda: not is_running(pid), what="the child's end")
