"""Kill the containers of docker-compose.yml while reports come in, and count the reports: ``make compose-kill``.

Reports are posted one by one; amid them the worker, Redis, the dispatcher, the API and PostgreSQL are each
killed with SIGKILL and started again. A post that was not answered is sent again under its own
``Idempotency-Key``, as a client does. At the end every report that was accepted is done, once.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from scripts.compose_check import REPORT, ROOT, CheckError, Engine, Stack, run, say

VICTIMS = ("worker", "redis", "dispatcher", "api", "postgres")
_ANSWERED_WITHIN_S = 120
_DONE_WITHIN_S = 240
_TRY_AGAIN = {429, 502, 503, 504}


def main() -> int:
    """Run it; 0 where nothing is lost or double, 1 where something is, 2 where it cannot be run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=500)
    parser.add_argument("--skip-build", action="store_true", help="use the image that is there")
    options = parser.parse_args()
    try:
        engine = Engine.find()
    except CheckError as error:
        print(f"compose-kill: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="marrow-secrets-") as folder:
        Path(folder).chmod(0o755)
        run(sys.executable, str(ROOT / "scripts/compose_secrets.py"), "--directory", folder)
        stack = Stack(engine, Path(folder))
        try:
            if not options.skip_build:
                say(f"building the image with {engine.name}")
                stack.build()
            stack.up()
            kill_amid(stack, options.reports)
        except CheckError as error:
            print(f"FAILED: {error}", file=sys.stderr)
            return 1
        finally:
            stack.compose("down", "--volumes")
    print("compose-kill: all holds")
    return 0


def kill_amid(stack: Stack, reports: int) -> None:
    """Post so many reports with a kill between every few of them; raises CheckError."""
    key = make_key(stack)
    headers = {"Authorization": f"Bearer {key}"}
    url = f"http://127.0.0.1:{stack.port}"
    due = {reports * (place + 1) // (len(VICTIMS) + 1): name for place, name in enumerate(VICTIMS)}
    accepted: dict[str, str] = {}
    with httpx.Client(base_url=url, headers=headers, timeout=20) as client:
        for number in range(reports):
            if number in due:
                kill(stack, due[number])
            accepted[f"kill-{number}"] = post(client, number)
        say(f"{len(accepted)} reports accepted, {len(set(accepted.values()))} ids")
        stored = wait_until_done(client, reports)
    if sorted(accepted.values()) != sorted(stored):
        lost, other = set(accepted.values()) - set(stored), set(stored) - set(accepted.values())
        raise CheckError(f"{len(lost)} accepted reports are lost, {len(other)} are there twice")
    say(f"killed {', '.join(VICTIMS)}: {len(stored)} reports done, 0 lost, 0 double")


def make_key(stack: Stack) -> str:
    """Return a key that posts reports and looks them up."""
    printed = stack.execute("api", "marrow", "keys", "create", "--name", "compose-kill")
    [key] = re.findall(r"marrow_[0-9A-Za-z]{8}_[0-9A-Za-z]+", printed)
    return str(key)


def kill(stack: Stack, service: str) -> None:
    """End a container as a dying machine does, and start it again."""
    say(f"killing {service}")
    container = stack.container(service)
    run(stack.engine.name, "kill", "--signal", "KILL", container)
    run(stack.engine.name, "start", container)


def post(client: httpx.Client, number: int) -> str:
    """Post a report until it is accepted; return our id of it."""
    body = {"report_id": f"kill-{number}", "text": f"{REPORT}\nNumber {number}.\n"}
    end = time.monotonic() + _ANSWERED_WITHIN_S
    while time.monotonic() < end:
        try:
            answer = client.post(
                "/v1/reports", json=body, headers={"Idempotency-Key": f"kill-{number}"}
            )
        except httpx.TransportError:
            time.sleep(0.2)
            continue
        if answer.status_code not in _TRY_AGAIN:
            answer.raise_for_status()
            return str(answer.json()["id"])
        time.sleep(0.2)
    raise CheckError(f"report {number} was not accepted in {_ANSWERED_WITHIN_S} s")


def wait_until_done(client: httpx.Client, reports: int) -> list[str]:
    """Return the ids of all reports once none waits any more."""
    end = time.monotonic() + _DONE_WITHIN_S
    while time.monotonic() < end:
        listed = list_reports(client)
        states = [one["state"] for one in listed]
        if listed and not states.count("queued"):
            if states.count("done") != reports:
                raise CheckError(f"of {reports} reports {states.count('done')} are done")
            return [one["id"] for one in listed]
        time.sleep(0.5)
    raise CheckError(f"reports still wait after {_DONE_WITHIN_S} s")


def list_reports(client: httpx.Client) -> list[dict[str, Any]]:
    """Return all reports, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        query: dict[str, Any] = {"page_size": 500} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/reports", params=query).raise_for_status().json()
        found += page["reports"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


if __name__ == "__main__":
    sys.exit(main())
