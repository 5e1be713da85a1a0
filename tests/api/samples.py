"""An audit of a source with a sample drawn of it, for the tests of reviews."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

    from tests.api.conftest import Api

CASE = (
    "MRI HIP. Marrow oedema of the left femoral head and neck, joint effusion, no fracture line. "
    "In keeping with transient osteoporosis of the left hip. Words of case {n}."
)
NAMED = "MRI HIP. Small joint effusion of the left hip. No marrow oedema. Words of mention {n}."
REST = "CHEST X-RAY. Clear lungs. Words of others {n}."


def archive(cases: int = 4, named: int = 3, rest: int = 3) -> str:
    texts = [
        kind.format(n=n)
        for kind, number in ((CASE, cases), (NAMED, named), (REST, rest))
        for n in range(number)
    ]
    rows = [
        {"id": f"R{n}", "accession": f"ACC-{n}", "text": text, "patient_id": f"P{n}"}
        for n, text in enumerate(texts)
    ]
    return "\n".join(json.dumps(row) for row in rows)


def audited(api: Api, client: httpx.Client, name: str) -> str:
    """Return the id of a finished audit of an archive that lies at a source."""
    path = api.folder / "sources" / f"{name}.jsonl"
    path.write_text(archive(), encoding="utf-8")
    answer = client.post("/v1/audits", json={"source": path.as_uri()})
    assert answer.status_code == 202, answer.text
    api.desk.work_on_audits()
    return str(answer.json()["id"])


def drawn(client: httpx.Client, audit: str, **asked: Any) -> str:
    """Return the path of a sample that was drawn."""
    answer = client.post(f"/v1/audits/{audit}/samples", json=asked)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


def decide(client: httpx.Client, sample: str, item: str, decision: str) -> httpx.Response:
    return client.put(f"{sample}/items/{item}/decision", json={"decision": decision})
