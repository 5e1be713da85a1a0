"""The service as it is run, with the sample archive posted to it and audited by it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx

from examples.demo import ARCHIVE, as_posted, read_archive, serving
from tests.pages.reviewed import judged
from tests.services import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READ_S = 240


@dataclass(frozen=True, slots=True)
class Served:
    """A running service, and what is in it."""

    url: str
    admin_key: str
    stated: str
    """The id of a report with a stated level."""
    audit: str
    """The id of a finished audit."""
    upload: str
    """An archive that has arrived and waits for its audit."""
    patient: str
    """The page of a patient whose level is another than that of any report."""
    review: str
    """The pages of a sample of it that two have judged in part."""

    def client(self) -> httpx.Client:
        """Return a client that may do everything."""
        headers = {"Authorization": f"Bearer {self.admin_key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Start the service in ``folder``, fill it, and stop it at the end."""
    with serving(folder) as service:
        headers = {"Authorization": f"Bearer {service.key}"}
        with httpx.Client(base_url=service.url, headers=headers, timeout=60) as client:
            stated, audit = fill(client)
            yield Served(
                service.url,
                service.key,
                stated=stated,
                audit=audit,
                upload=uploaded(client),
                patient=_lowered(client, audit),
                review=judged(client, audit, folder),
            )


def fill(client: httpx.Client) -> tuple[str, str]:
    """Post the sample archive, audit it, and return a stated report and the audit."""
    reports = [as_posted(row) for row in read_archive(ARCHIVE)]
    client.post("/v1/reports", json={"reports": reports}).raise_for_status()
    named = {"Content-Disposition": 'attachment; filename="archive.csv"'}
    audit = client.post("/v1/audits", content=ARCHIVE.read_bytes(), headers=named).json()["id"]
    wait_until(lambda: not _count(client, state="queued"), deadline_s=READ_S, what="the reports")

    def is_over() -> bool:
        state: str = client.get(f"/v1/audits/{audit}").json()["state"]
        assert state not in {"failed", "cancelled"}
        return state == "done"

    wait_until(is_over, deadline_s=READ_S, what="the audit")
    [stated] = _reports(client, level="stated", page_size=1)
    return stated["id"], audit


def uploaded(client: httpx.Client) -> str:
    """Upload the sample archive by the form, and return the id of the upload."""
    with ARCHIVE.open("rb") as file:
        answer = client.post("/audits/uploads", files={"archive": file})
    [upload] = parse_qs(urlsplit(answer.headers["location"]).query)["upload"]
    return upload


def _lowered(client: httpx.Client, audit: str) -> str:
    html = client.get(f"/audits/{audit}/patients", params={"course": "lowered"}).text
    return str(re.findall(rf'href="(/audits/{audit}/patients/\d+)"', html)[0])


def _count(client: httpx.Client, **filters: Any) -> int:
    return len(_reports(client, **filters))


def _reports(client: httpx.Client, **filters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/v1/reports", params=filters).json()["reports"]
    return found
