"""Uploads that go on where they broke off (tus 1.0), from the side that sends."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from cli.client import Client, ServiceError, check

PATH = "/v1/uploads"
_TUS = {"Tus-Resumable": "1.0.0"}
_BLOCK_BYTES = 256 * 1024
_WAIT_S = 0.5
_AGAIN = frozenset({409, 429, 502, 503, 504})
"""What may be another answer in a moment, from where the upload stands then."""


def announce(client: Client, archive: Path) -> str:
    """Announce a file with its checksum, and return the id of its upload. Raises ServiceError."""
    with archive.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    told = {"filename": archive.name, "sha256": sha256}
    pairs = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items())
    headers = _TUS | {
        "Upload-Length": str(archive.stat().st_size),
        "Upload-Metadata": ",".join(pairs),
    }
    answer = client.send("POST", PATH, headers=headers)
    check(answer)
    return answer.headers["Location"].rpartition("/")[2]


def send_rest(
    client: Client, id_: str, archive: Path, *, on_sent: Callable[[int, int], object]
) -> None:
    """Send what has not arrived yet, as often as the connection breaks, while something arrives.

    Raises:
        ServiceError: the service is away for too long, or the upload is of another file.

    """
    size = archive.stat().st_size
    arrived, patient_until = -1, time.monotonic() + client.patience_s
    while True:
        at, announced = _standing(client, id_)
        if announced != size:
            raise ServiceError(f"The upload {id_} is of another file; leave out --upload.")
        if at == size:
            return
        if at > arrived:
            arrived, patient_until = at, time.monotonic() + client.patience_s
        elif time.monotonic() > patient_until:
            raise ServiceError(f"The upload does not go on; try again later, with --upload {id_}.")
        if not _send(client, id_, archive, at, on_sent=on_sent):
            # What arrived just before the cut is being put away: to ask now would send it again.
            time.sleep(_WAIT_S)


def _standing(client: Client, id_: str) -> tuple[int, int]:
    """Return how much has arrived, and how much was announced."""
    answer = client.send("HEAD", f"{PATH}/{id_}", headers=_TUS)
    if answer.status_code == 404:  # noqa: PLR2004
        raise ServiceError(f"There is no upload {id_}, or it has expired; leave out --upload.")
    check(answer)
    return int(answer.headers["Upload-Offset"]), int(answer.headers["Upload-Length"])


def _send(
    client: Client, id_: str, archive: Path, at: int, *, on_sent: Callable[[int, int], object]
) -> bool:
    """Send the rest in one request; return whether it was taken. The next look tells what arrived."""
    size = archive.stat().st_size

    def blocks() -> Iterator[bytes]:
        sent = at
        with archive.open("rb") as file:
            file.seek(at)
            while block := file.read(_BLOCK_BYTES):
                yield block
                sent += len(block)
                on_sent(sent, size)

    headers = _TUS | {
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": str(at),
        "Content-Length": str(size - at),
    }
    try:
        answer = client.http.patch(f"{PATH}/{id_}", content=blocks(), headers=headers)
    except httpx.TransportError:
        return False
    if answer.status_code not in _AGAIN:
        check(answer)
    return answer.is_success
