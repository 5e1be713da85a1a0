"""Samples of the served audit: one that two have judged, and fresh ones with the words of the reports."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING

import httpx

from examples.demo import ARCHIVE
from tests.cli.commands import marrow

if TYPE_CHECKING:
    from pathlib import Path

_SAID = ("case", "case", "no_case", "case", "unclear")
_SAID_BY_THE_OTHER = ("case", "no_case", "no_case", "case", "case")


def draw(client: httpx.Client, audit: str, *, seed: int) -> str:
    """Return the path of a new sample, drawn with another upload of the archive."""
    body = ARCHIVE.read_bytes()
    tus = {"Tus-Resumable": "1.0.0"}
    name = b64encode(b"archive.csv").decode()
    announced = {"Upload-Length": str(len(body)), "Upload-Metadata": f"filename {name}"}
    upload = client.post("/v1/uploads", headers=tus | announced).headers["location"]
    kind = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    client.patch(upload, content=body, headers=tus | kind).raise_for_status()
    asked = {"cases": 10, "named": 10, "rest": 5, "seed": seed, "upload": upload.rpartition("/")[2]}
    answer = client.post(f"/v1/audits/{audit}/samples", json=asked).raise_for_status()
    return str(answer.headers["location"])


def page_of(sample: str) -> str:
    """Return the path of a sample's pages."""
    return sample.removeprefix("/v1").replace("/samples/", "/review/")


def judged(client: httpx.Client, audit: str, folder: Path) -> str:
    """Return the pages of a sample that two have judged in part, who disagree on some reports."""
    sample = draw(client, audit, seed=1)
    with httpx.Client(base_url=client.base_url, headers=_other(folder), timeout=60) as other:
        for who, said in ((client, _SAID), (other, _SAID_BY_THE_OTHER)):
            for number, decision in enumerate(said, start=1):
                path = f"{sample}/items/V{number:04d}/decision"
                who.put(path, json={"decision": decision}).raise_for_status()
    return page_of(sample)


def _other(folder: Path) -> dict[str, str]:
    """Return the headers of a second reviewer."""
    made = marrow(
        "keys", "create", "--name", "second reviewer", "--role", "reviewer",
        environment={"MARROW_DATA_DIR": str(folder / "data")},
    )  # fmt: skip
    [token] = re.findall(r"marrow_[0-9A-Za-z]{8}_[0-9A-Za-z]+", made.stdout)
    return {"Authorization": f"Bearer {token}"}
