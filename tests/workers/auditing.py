"""Audits for the tests: an archive, what `marrow audit` makes of it, and the same by the service."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage import audits
from storage.audit_model import AuditState, NewAudit, StoredAudit
from storage.files import AUDITS, LocalFiles
from storage.ids import new_id
from tests.services import wait_until

if TYPE_CHECKING:
    from tests.workers.services import Service

ROOT = Path(__file__).parents[2]
TABLES = (
    "assessments.parquet", "mentions.parquet", "patients.parquet", "cases.csv", "failures.csv",
    "summary.json",
)  # fmt: skip
"""Output files that have no time and no worker in them."""

_TEXTS = (
    "MRI LEFT HIP. Marrow oedema of the left femoral head. Likely transient osteoporosis. ({n})",
    "MRI RIGHT HIP. Marrow oedema of the right femoral head, joint effusion. ({n})",
    "CHEST X-RAY. No pleural effusion. The lungs are clear. ({n})",
    "CT PELVIS. Osteopenia. No fracture. Degenerative change of both hips. ({n})",
)


def write_archive(path: Path, *, reports: int) -> Path:
    """Write JSON lines with repeated, amended and broken rows among them."""
    lines = []
    for n in range(reports):
        row: dict[str, Any] = {
            "id": f"R{n}", "text": _TEXTS[n % len(_TEXTS)].format(n=n), "patient_id": f"P{n % 97}",
            "date": f"20{10 + n % 12}-0{1 + n % 9}-11", "accession": f"A{n - n % 50 % 7 // 6}",
        }  # fmt: skip
        lines.append(json.dumps(row))
        if n % 40 == 0:
            lines += [json.dumps(row), "{broken"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def audit_here(archive: Path, out: Path, *words: str) -> dict[str, bytes]:
    """Return the tables that ``marrow audit`` makes."""
    command = [sys.executable, "-m", "cli", "audit", str(archive), "-o", str(out), *words]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=150)
    return read_tables(out)


def differing(folder: Path, expected: dict[str, bytes]) -> dict[str, str]:
    """Return the output files in a folder that are not what is expected, each with its first other line.

    Not the files themselves: to show how two of them differ takes minutes.
    """
    found = read_tables(folder)
    return {
        name: _first_difference(found[name], expected[name])
        for name in TABLES
        if found[name] != expected[name]
    }


def _first_difference(found: bytes, expected: bytes) -> str:
    lines = zip(found.splitlines(), expected.splitlines(), strict=False)
    for number, (one, other) in enumerate(lines, start=1):
        if one != other:
            return f"line {number}: {one[:300]!r} and not {other[:300]!r}"
    return f"{len(found)} bytes and not {len(expected)}"


def read_tables(folder: Path) -> dict[str, bytes]:
    """Return the bytes of the output files that must not differ."""
    return {name: (folder / name).read_bytes() for name in TABLES}


def ask(service: Service, archive: Path, *, root: Path | None = None, focus: str = "all") -> str:
    """Upload an archive and ask for its audit, as the API does; return our id of it."""
    id_ = new_id("aud")
    upload = f"{AUDITS}/{id_}/input"
    copy = service.folder / f"{id_}.copy"
    copy.write_bytes(archive.read_bytes())
    LocalFiles(root or service.folder).put(copy, upload)
    with service.database.begin() as conn:
        arguments: dict[str, Any] = {"focus": focus, "map": [], "day_first": None}
        new = NewAudit(id_, archive.name, upload=upload, arguments=arguments)
        audits.create(conn, new)
    return id_


def load(service: Service, id_: str) -> StoredAudit:
    """Return an audit as it stands."""
    with service.database.read() as conn:
        found = audits.get(conn, id_)
    assert found is not None
    return found


def wait_for(
    service: Service, id_: str, *states: AuditState, deadline_s: float = 90
) -> StoredAudit:
    """Return an audit once it is in one of these states."""

    def there() -> StoredAudit | None:
        found = load(service, id_)
        return found if found.state in states else None

    return wait_until(there, deadline_s=deadline_s, what=f"{states}") or load(service, id_)
