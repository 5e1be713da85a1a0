"""`marrow serve` as a user meets it: real processes, a real report, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import httpx
import pytest

from tests.services import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
CANARY = "ZZPHI-serve-0815"
HIP_MRI = (
    f"MRI LEFT HIP {CANARY}\n\nCLINICAL HISTORY: 47-year-old man, left hip pain, no trauma.\n\n"
    "FINDINGS: There is extensive bone marrow oedema of the left femoral head and neck.\n"
    "Moderate joint effusion. No subchondral fracture line. The right hip is normal.\n\n"
    "IMPRESSION: Findings in keeping with transient osteoporosis of the left hip.\n"
)
START_S = 90
pytestmark = pytest.mark.slow


@dataclass
class Serve:
    """A `marrow serve` that runs, and what it printed."""

    process: subprocess.Popen[bytes]
    data_dir: Path
    output: Path

    def said(self, pattern: str) -> str | None:
        found = re.search(pattern, self.output.read_text())
        return None if found is None else found[1]

    @property
    def url(self) -> str:
        return self.said(r"Ready on (http://\S+)") or ""

    @property
    def key(self) -> str | None:
        return self.said(r"First admin key, shown this once: (marrow_\w+)")

    def client(self, key: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def parts(self) -> dict[int, str]:
        """The processes that were started for this data directory, by their words."""
        found = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != self.process.pid:
                try:
                    environment = (folder / "environ").read_bytes().split(b"\0")
                    works_in = (folder / "cwd").readlink()
                    words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue
                # Redis writes its title over its environment; it works in the data directory.
                setting = f"MARROW_DATA_DIR={self.data_dir}".encode()
                if setting in environment or works_in == self.data_dir:
                    found[int(folder.name)] = words
        return found

    def leader_of(self, part: str) -> int | None:
        """The process of a part, not one that it forked."""
        for pid, words in self.parts().items():
            parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
            if part in words and int(parent) == self.process.pid:
                return pid
        return None

    def stop(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=40)


def command(data_dir: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "cli.serve", "--data-dir", str(data_dir), *more]


@contextmanager
def serving(data_dir: Path, **settings: str) -> Iterator[Serve]:
    output = data_dir.with_suffix(".out")
    with output.open("wb") as out:
        process = _start(data_dir, out, **settings)
    service = Serve(process, data_dir, output)
    try:
        wait_until(
            lambda: service.url or process.poll() is not None, deadline_s=START_S, what="serve"
        )
        assert service.url, output.read_text()
        yield service
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        wait_until(lambda: not service.parts(), deadline_s=15, what="the end of all parts")


def _start(data_dir: Path, out: IO[bytes], **settings: str) -> subprocess.Popen[bytes]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("MARROW_")}
    return subprocess.Popen(
        command(data_dir, "--port", "0", "--workers", "1"),
        cwd=ROOT,
        env=ours | settings,
        stdout=out,
        stderr=subprocess.STDOUT,
    )


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    with serving(tmp_path_factory.mktemp("serve") / "data") as running:
        yield running


def post(client: httpx.Client, accession: str) -> dict[str, Any]:
    """Post a hip MRI, wait for its result, and check it."""
    body = {"text": HIP_MRI, "study": {"modality": "MR", "accession": accession}}
    answer = client.post("/v1/reports", json=body, headers={"Prefer": "wait=5"})
    assert answer.status_code in {200, 202}, answer.text
    address = answer.headers["location"]
    wait_until(lambda: client.get(address).json()["state"] == "done", deadline_s=30)
    report: dict[str, Any] = client.get(address).json()
    mentions = report["result"]["mentions"]
    assert {m["finding"] for m in mentions} >= {"marrow_oedema", "effusion"}
    for mention in mentions:
        assert HIP_MRI[mention["start"] : mention["end"]] == mention["quote"]
    return report


def test_a_hip_mri_posted_with_prefer_wait_comes_back_structured(service: Serve) -> None:
    with service.client() as client:
        post(client, "warm-up")
        body = {"text": HIP_MRI, "study": {"accession": "A-1"}}
        answer = client.post("/v1/reports", json=body, headers={"Prefer": "wait=5"})
    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "wait=5"
    result = answer.json()["result"]
    assert result["assessment"]["level"] in {"stated", "probable"}
    assert result["mentions"]
    for mention in result["mentions"]:
        assert HIP_MRI[mention["start"] : mention["end"]] == mention["quote"]


def test_a_part_that_dies_is_started_again(service: Serve) -> None:
    before = service.leader_of("cli.processes worker")
    assert before is not None
    os.kill(before, signal.SIGKILL)
    after = wait_until(
        lambda: {service.leader_of("cli.processes worker")} - {before, None}, what="a new worker"
    )
    assert after
    assert "worker ended (killed by SIGKILL)" in service.output.read_text()
    with service.client() as client:
        post(client, "A-2")


def test_no_log_holds_what_was_posted_nor_what_the_tokenizer_says(service: Serve) -> None:
    with service.client() as client:
        post(client, "A-3")
        client.post("/v1/reports", json={"text": 1, CANARY: CANARY})
    logs = {path.name: path.read_text() for path in (service.data_dir / "logs").iterdir()}
    logs["output"] = service.output.read_text()
    assert '"event": "request"' in logs["api.log"]
    assert '"event": "work_ended"' in logs["worker.log"]
    for name, text in logs.items():
        assert CANARY not in text, name
        assert "PyRuSH" not in text, name
    for line in logs["api.log"].splitlines():
        json.loads(line)


def test_what_it_keeps_is_for_its_user_alone(service: Serve) -> None:
    assert service.data_dir.stat().st_mode & 0o077 == 0
    assert (service.data_dir / "logs" / "api.log").stat().st_mode & 0o077 == 0


def test_a_second_one_on_the_same_data_is_refused(service: Serve) -> None:
    refused = subprocess.run(
        command(service.data_dir, "--port", "0"), cwd=ROOT, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert refused.returncode == 2
    [line] = refused.stderr.splitlines()
    assert "another `marrow serve` uses" in line


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = subprocess.run(
            command(tmp_path / "data", "--port", port), cwd=ROOT, capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip
    assert refused.returncode == 2
    [line] = refused.stderr.splitlines()
    assert f"port {port}" in line
    assert "--port" in line


def test_a_wrong_setting_is_said_in_one_line_without_its_value(tmp_path: Path) -> None:
    refused = subprocess.run(
        command(tmp_path / "data"), cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=60, env=os.environ | {"MARROW_LEASE_S": "hunter2"},
    )  # fmt: skip
    assert refused.returncode == 2
    [line] = refused.stderr.splitlines()
    assert "MARROW_LEASE_S" in line
    assert "hunter2" not in line


def test_it_stops_cleanly_keeps_its_reports_and_shows_the_key_once(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with serving(data_dir) as first:
        key = first.key
        assert key is not None
        with first.client() as client:
            report = post(client, "A-4")
        assert len(first.parts()) >= 5  # Redis, API, dispatcher, worker and its process
        assert first.stop(signal.SIGINT) == 0
        assert first.parts() == {}
        assert first.output.read_text().rstrip().endswith("marrow: stopped")
    with serving(data_dir) as second:
        assert second.key is None
        with second.client(key) as client:
            assert client.get(report["links"]["self"]).json() == report
        second.process.kill()
        second.process.wait()
        wait_until(lambda: not second.parts(), deadline_s=10, what="the end of all parts")
    secret = key.split("_")[2]
    assert all(
        secret.encode() not in path.read_bytes() for path in data_dir.rglob("*") if path.is_file()
    )


def test_a_signal_stops_it_while_it_still_starts(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    output = tmp_path / "out"
    with output.open("wb") as out:
        process = _start(data_dir, out)
    service = Serve(process, data_dir, output)
    wait_until(service.parts, deadline_s=START_S, what="the first part")
    assert service.stop(signal.SIGTERM) == 0
    assert service.parts() == {}
