"""Audits by real workers and a real dispatcher: the same tables as `marrow audit`, come what may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from storage.audit_model import AuditState
from tests.services import wait_until
from tests.workers.audits import ask, audit_here, read_tables, wait_for, write_archive
from tests.workers.services import DISPATCHER, REAL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.workers.services import Service

pytestmark = pytest.mark.slow


def test_an_audit_by_the_service_equals_the_local_one(service: Service, tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "export.jsonl", reports=1_200)
    expected = audit_here(archive, tmp_path / "local", "--focus", "hip")
    id_ = ask(service, archive, focus="hip")
    with service.process(DISPATCHER), service.process(REAL):
        done = wait_for(service, id_, AuditState.DONE, AuditState.FAILED)
        assert (done.state, done.error_code) == (AuditState.DONE, None)
        assert read_tables(tmp_path / (done.output_files or "")) == expected
        left = tmp_path / "audits" / id_
        wait_until(lambda: len(list(left.iterdir())) == 1, what="the end of all other files")
    assert done.counts is not None
    assert done.counts.rows_read == 1_260
    assert done.progress.reports == done.counts.planned - done.counts.passed_over
    assert not any((tmp_path / "scratch").glob("*/*"))
