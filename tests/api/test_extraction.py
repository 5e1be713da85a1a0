"""The line before the one extractor of the API, and what it says while it cannot read."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest

from api.extraction import Extraction
from api.problems import Code, Problem
from extractor import Extractor, Report
from storage import sums
from storage.model import Reconciliation
from storage.settings import StorageSettings
from tests.api.conftest import HIP_MRI, Api, read_by, running
from tests.services import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG = Report(text=HIP_MRI * 30)


@pytest.fixture
def extraction() -> Iterator[Extraction]:
    one = Extraction(read_by, timeout_s=60, queue=1)
    one.start()
    wait_until(lambda: is_loaded(one), deadline_s=60, what="the patterns")
    yield one
    one.stop()


def is_loaded(extraction: Extraction) -> bool:
    try:
        return bool(extraction.extractor)
    except Problem:
        return False


def test_a_report_is_read_in_a_thread(extraction: Extraction) -> None:
    result = asyncio.run(extraction.extract(Report(text=HIP_MRI)))
    assert result == read_by().extract(Report(text=HIP_MRI))


def test_when_the_line_is_full_others_are_told_to_come_back(extraction: Extraction) -> None:
    async def crowd() -> list[object]:
        tasks = [extraction.extract(LONG) for _ in range(3)]
        return await asyncio.gather(*tasks, return_exceptions=True)

    refused = [one for one in asyncio.run(crowd()) if isinstance(one, Problem)]
    assert len(refused) == 2
    assert {(one.code, one.headers["Retry-After"]) for one in refused} == {(Code.BUSY, "5")}
    # The place is free again.
    assert asyncio.run(extraction.extract(Report(text=HIP_MRI))).mentions


def test_a_report_that_takes_too_long_is_given_up() -> None:
    impatient = Extraction(read_by, timeout_s=0.001, queue=2)
    impatient.start()
    wait_until(lambda: is_loaded(impatient), deadline_s=60, what="the patterns")
    with pytest.raises(Problem) as refused:
        asyncio.run(impatient.extract(LONG))
    assert refused.value.code is Code.BUSY
    impatient.stop()


def test_patterns_that_cannot_be_loaded_are_said(tmp_path: Path) -> None:
    broken = Extraction(partial(Extractor.load, tmp_path), timeout_s=1, queue=1)
    with pytest.raises(Problem, match="NOT_READY") as early:
        _ = broken.extractor
    assert "being loaded" in early.value.detail
    broken.start()

    def detail() -> str:
        with pytest.raises(Problem) as refused:
            _ = broken.extractor
        return refused.value.detail

    wait_until(lambda: "could not be loaded" in detail(), what="the failure")
    broken.stop()


def test_a_database_that_is_not_upgraded_is_not_ready(tmp_path: Path) -> None:
    with running(StorageSettings(data_dir=tmp_path / "data"), is_upgraded=False) as server:
        answer = httpx.get(f"{server.url}/healthz/ready")
        assert httpx.get(f"{server.url}/healthz/live").json() == {"status": "ok"}
    assert (answer.status_code, answer.json()["code"]) == (503, "NOT_READY")
    assert "marrow db upgrade" in answer.json()["detail"]


def test_a_ready_server_tells_what_the_dispatcher_counted_last(api: Api) -> None:
    api.wait_for_patterns()
    counted = Reconciliation(accepted=7, done=4, failed=1, cancelled=0, open=1, deleted=1)
    for missing in (0, 1):
        with api.database.begin() as conn:
            sums.keep(conn, replace(counted, done=counted.done - missing))
        answer = httpx.get(f"{api.url}/healthz/ready")
        assert answer.status_code == 200
        told = answer.json()["reports"]
        assert datetime.fromisoformat(told.pop("counted_at")).tzinfo is not None
        assert told == asdict(counted) | {"done": 4 - missing, "balanced": not missing}


def test_the_server_says_what_it_reads_with(api: Api, client: httpx.Client) -> None:
    api.wait_for_patterns()
    engine = client.get("/v1/patterns").json()["engine"]
    assert engine["patterns_digest"].startswith("sha256:")
    before = client.get("/v1/reports").json()
    read = client.post("/v1/extract", json={"text": HIP_MRI, "report_id": "R-1"}).json()
    assert read["engine"] == engine
    assert read["report_id"] == "R-1"
    assert client.get("/v1/reports").json() == before  # nothing is stored
