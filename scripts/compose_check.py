"""Prove that docker-compose.yml runs: start it, post a report through it, look at its hardening.

Works with Docker Compose and with podman-compose, under a project name, port and secrets of its
own, so that an installation on the same machine is left alone. Takes everything down at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
IMAGE = "localhost/marrow:latest"
OURS = ("api", "worker", "dispatcher")
RUNNING = ("postgres", "redis", *OURS)
HEALTHY_WITHIN_S = 180
# A word that is in no dictionary and no log.
CANARY = "Zyxvulpine"
REPORT = f"""MRI LEFT HIP
INDICATION: 47-year-old man, left hip pain for six weeks, no trauma. Referred by {CANARY}.
FINDINGS: Diffuse bone marrow oedema of the left femoral head and neck, sparing the acetabulum.
Small joint effusion. No subchondral fracture. No evidence of avascular necrosis.
IMPRESSION: Appearances are those of transient osteoporosis of the left hip.
"""


class CheckError(Exception):
    """Something is not as it must be."""


@dataclass(frozen=True)
class Engine:
    """Docker or Podman, with its compose."""

    name: str
    compose: tuple[str, ...]

    @classmethod
    def find(cls) -> Engine:
        """Return Docker where it answers, else Podman. Raises CheckError without either."""
        if shutil.which("docker") and _succeeds("docker", "info"):
            if _succeeds("docker", "compose", "version"):
                return cls("docker", ("docker", "compose"))
            raise CheckError("docker answers, but has no `compose`: install docker-compose-plugin")
        if shutil.which("podman") and shutil.which("podman-compose"):
            return cls("podman", ("podman-compose",))
        raise CheckError("neither a running Docker with compose nor podman-compose is here")


class Stack:
    """One start of docker-compose.yml."""

    def __init__(self, engine: Engine, secrets_dir: Path) -> None:
        self.engine = engine
        self.project = f"marrow-check-{secrets.token_hex(3)}"
        self.port = _free_port()
        self.environment = {
            **os.environ,
            "MARROW_PUBLISHED_PORT": str(self.port),
            "MARROW_SECRETS_DIR": str(secrets_dir),
        }

    def compose(self, *words: str) -> str:
        """Run a compose command and return what it printed; raises CheckError."""
        command = (*self.engine.compose, "-f", str(ROOT / "docker-compose.yml"))
        return run(*command, "-p", self.project, *words, environment=self.environment)

    def build(self) -> None:
        """Build the image; the engine's own environment (BUILDAH_ISOLATION ...) is passed on."""
        pull = ("--pull=missing", "--format=docker") if self.engine.name == "podman" else ()
        run(self.engine.name, "build", *pull, "--tag", IMAGE, str(ROOT))

    def up(self) -> None:
        """Start all services and wait until they are healthy."""
        self.compose("up", "-d", "--no-build")
        deadline = time.monotonic() + HEALTHY_WITHIN_S
        for service in ("migrate", *RUNNING):
            self._wait_for(service, deadline)

    def _wait_for(self, service: str, deadline: float) -> None:
        while not self._is_fit(service):
            if time.monotonic() > deadline:
                raise CheckError(f"{service} was not healthy in time:\n{self.logs(service)}")
            time.sleep(0.5)

    def _is_fit(self, service: str) -> bool:
        state = self.inspect(service)["State"]
        if service == "migrate":
            if state["Status"] == "exited" and state["ExitCode"] != 0:
                raise CheckError(f"migrate failed:\n{self.logs(service)}")
            return bool(state["Status"] == "exited")
        if self.engine.name == "podman":
            # Without systemd nobody starts Podman's checks at their times.
            return _succeeds("podman", "healthcheck", "run", self.container(service))
        return bool(state["Health"]["Status"] == "healthy")

    def container(self, service: str) -> str:
        """Return the id of a service's container."""
        labels = (
            f"com.docker.compose.project={self.project}",
            f"com.docker.compose.service={service}",
        )
        filters = [word for label in labels for word in ("--filter", f"label={label}")]
        found = run(self.engine.name, "ps", "--all", "--quiet", *filters).split()
        if len(found) != 1:
            raise CheckError(f"{len(found)} containers for {service}")
        return found[0]

    def inspect(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of a service's container."""
        [container] = json.loads(
            run(self.engine.name, "inspect", "--type=container", self.container(service))
        )
        return dict(container)

    def execute(self, service: str, *words: str) -> str:
        """Run a command inside a container and return what it printed."""
        return run(self.engine.name, "exec", self.container(service), *words)

    def logs(self, service: str) -> str:
        """Return all that a service wrote."""
        done = subprocess.run(
            (self.engine.name, "logs", self.container(service)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout


def main() -> int:
    """Run all checks; 0 when they hold, 1 when one does not, 2 where they cannot be run."""
    parser = argparse.ArgumentParser(description="Start docker-compose.yml and check it.")
    parser.add_argument("--skip-build", action="store_true", help="use the image that is there")
    parser.add_argument("--keep", action="store_true", help="leave it running at the end")
    options = parser.parse_args()
    try:
        engine = Engine.find()
    except CheckError as error:
        print(f"compose-check: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="marrow-secrets-") as folder:
        # Root in the containers' user namespace is not always root here: let it look in.
        Path(folder).chmod(0o755)
        run(sys.executable, str(ROOT / "scripts/compose_secrets.py"), "--directory", folder)
        stack = Stack(engine, Path(folder))
        try:
            check(stack, skip_build=options.skip_build)
        except CheckError as error:
            print(f"FAILED: {error}", file=sys.stderr)
            return 1
        finally:
            if not options.keep:
                stack.compose("down", "--volumes")
    print("compose-check: all holds")
    return 0


def check(stack: Stack, *, skip_build: bool) -> None:
    """Build, start, use and look; raises CheckError."""
    if not skip_build:
        say(f"building {IMAGE} with {stack.engine.name}")
        stack.build()
    say(f"starting {stack.project} on port {stack.port}")
    stack.up()
    say("posting a report")
    check_report(stack)
    say("looking at ports, users, file systems, secrets and logs")
    check_ports(stack)
    for service in RUNNING:
        check_hardening(stack, service)
    for service in OURS:
        check_user(stack, service)
    check_secrets(stack)
    check_logs(stack)


def check_report(stack: Stack) -> None:
    """Post a hip MRI with a fresh key and check the result's offsets."""
    printed = stack.execute(
        "api", "marrow", "keys", "create", "--name", "compose-check",
        "--scope", "reports:write", "--scope", "reports:read",
    )  # fmt: skip
    found = re.search(r"marrow_[0-9A-Za-z]{8}_[0-9A-Za-z]+", printed)
    if found is None:
        raise CheckError("`marrow keys create` printed no key")
    report = {
        "report_id": "compose-check-1",
        "text": REPORT,
        "patient": {"age_years": 47, "sex": "M"},
        "study": {"modality": "MR", "description": "MRI LEFT HIP"},
    }
    answer = _post(stack.port, report, key=found[0])
    if answer.status_code != httpx.codes.OK:
        raise CheckError(f"the report was answered with {answer.status_code}: {answer.text}")
    result = answer.json()["result"]
    for mention in result["mentions"]:
        if REPORT[mention["start"] : mention["end"]] != mention["quote"]:
            raise CheckError(f"mention {mention['id']} does not quote the text")
    affirmed = {m["finding"] for m in result["mentions"] if m["status"] == "affirmed"}
    if "marrow_oedema" not in affirmed:
        raise CheckError(f"no marrow oedema among {sorted(affirmed)}")
    assessment = result["assessment"]
    say(f"{len(result['mentions'])} mentions, {assessment['level']}, {assessment['side']}")
    if assessment["level"] not in {"stated", "probable"} or assessment["side"] != "left":
        raise CheckError("the left hip is not a case")
    refused = _post(stack.port, report, key="marrow_00000000_" + "0" * 49)
    if refused.status_code != httpx.codes.UNAUTHORIZED or CANARY in refused.text:
        raise CheckError(f"a wrong key was answered with {refused.status_code}")


def check_ports(stack: Stack) -> None:
    """Only the API is published, and only to this machine."""
    for service in RUNNING:
        bindings = stack.inspect(service)["HostConfig"]["PortBindings"] or {}
        published = sorted(
            f"{binding['HostIp']}:{binding['HostPort']}"
            for hosts in bindings.values()
            for binding in hosts or ()
        )
        expected = [f"127.0.0.1:{stack.port}"] if service == "api" else []
        if published != expected:
            raise CheckError(f"{service} publishes {published}, not {expected}")


def check_hardening(stack: Stack, service: str) -> None:
    """Read-only root, no new privileges, limits."""
    host = stack.inspect(service)["HostConfig"]
    if not host["ReadonlyRootfs"]:
        raise CheckError(f"the root file system of {service} can be written to")
    if not any(option.startswith("no-new-privileges") for option in host["SecurityOpt"]):
        raise CheckError(f"{service} may gain privileges")
    if not host["Memory"] or not host["PidsLimit"]:
        raise CheckError(f"{service} has no limit of memory or processes")


def check_user(stack: Stack, service: str) -> None:
    """Not root, and without any capability, as the kernel sees it."""
    status = stack.execute(service, "cat", "/proc/1/status")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    if set(fields["Uid"].split()) != {"10001"}:
        raise CheckError(f"{service} runs as user {fields['Uid'].split()[0]}")
    if int(fields["CapEff"], 16) or int(fields["CapBnd"], 16):
        raise CheckError(f"{service} has capabilities")


def check_secrets(stack: Stack) -> None:
    """No password in a container's settings or environment."""
    folder = Path(stack.environment["MARROW_SECRETS_DIR"])
    passwords = [(folder / name).read_text() for name in ("postgres_password", "redis_password")]
    for service in RUNNING:
        shown = json.dumps(stack.inspect(service))
        if any(password in shown for password in passwords):
            raise CheckError(f"inspecting {service} shows a password")


def check_logs(stack: Stack) -> None:
    """No log holds a word of the report."""
    for service in RUNNING:
        if CANARY in stack.logs(service):
            raise CheckError(f"the log of {service} holds report text")


def _post(port: int, report: dict[str, Any], *, key: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}", "Prefer": "wait=20"}
    url = f"http://127.0.0.1:{port}/v1/reports"
    try:
        return httpx.post(url, json=report, headers=headers, timeout=40)
    except httpx.TransportError as error:
        raise CheckError(f"port {port} of this machine does not answer: {error}") from None


def run(*command: str, environment: dict[str, str] | None = None) -> str:
    """Run a command and return what it printed; raises CheckError."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment
    )
    if done.returncode != 0:
        raise CheckError(f"`{' '.join(command[:3])} ...` failed:\n{done.stderr[-4000:]}")
    return done.stdout


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def say(words: str) -> None:
    """Tell what is done now."""
    print(f"  {words}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
