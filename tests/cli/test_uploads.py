"""`marrow audits submit` over a network that breaks, to the real service."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.cli.commands import marrow, one_line_error, write_archive
from tests.cli.cutting_proxy import CuttingProxy

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
TEXT = "MRI hip. Bone marrow oedema of the left femoral head and neck. ({n}) "
TABLES = ("assessments.parquet", "mentions.parquet", "cases.csv", "summary.json")


def test_an_upload_that_is_cut_again_and_again_arrives_and_is_audited_alike(
    tmp_path: Path, service: dict[str, str]
) -> None:
    filler = "The other structures are unremarkable. " * 600
    rows = [
        {"id": f"R{n}", "text": TEXT.format(n=n), "patient_id": f"P{n}", "remark": filler}
        for n in range(1_000)
    ]
    archive = write_archive(tmp_path / "export.jsonl", rows)
    size = archive.stat().st_size
    assert size > 22_000_000
    address = urlsplit(service["MARROW_URL"])
    target = (address.hostname or "", address.port or 0)
    with CuttingProxy.before(target, cut_after=6_000_000, cuts=3) as proxy:
        done = marrow(
            "audits", "submit", archive, "-o", tmp_path / "there",
            environment=service | {"MARROW_URL": proxy.url},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert proxy.cuts_left == 0
        # What arrived before a cut was not sent again, but for what was on its way; from its
        # beginning each time it would have been twice its size.
        assert proxy.sent < size * 1.5
    assert marrow("audit", archive, "-o", tmp_path / "here").returncode == 0
    for name in TABLES:
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()


def test_a_dry_run_keeps_the_upload_for_the_audit(tmp_path: Path, service: dict[str, str]) -> None:
    archive = write_archive(tmp_path / "a.jsonl", [{"id": "R1", "text": "Zanzibar", "mrn": "P1"}])
    dry = marrow("audits", "submit", archive, "--dry-run", environment=service)
    assert dry.returncode == 0, dry.stderr
    assert "json_lines" in dry.stdout
    assert "Zanzibar" not in dry.stdout
    upload = re.search(r"--upload (upl_\w+)", dry.stdout)
    assert upload is not None, dry.stdout
    words = ("audits", "submit", archive, "--upload", upload[1], "--since", "2020-01-01")
    done = marrow(*words, environment=service)
    assert done.returncode == 0, done.stderr
    other = write_archive(tmp_path / "b.jsonl", [{"id": "R1", "text": "Another file"}])
    wrong = marrow("audits", "submit", other, "--upload", upload[1], environment=service)
    assert "--upload" in one_line_error(wrong)
