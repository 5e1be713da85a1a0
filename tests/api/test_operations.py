"""The queue as operators and Prometheus see it, and failed reports that are read again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from api.problems import Code
from storage import sums, work
from storage.ids import new_id
from storage.model import ReportState
from storage.outcomes import Outcome
from tests.api.conftest import HIP_MRI
from tests.api.test_pages import PEOPLE
from tests.api.test_refusals import assert_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.api.conftest import Api

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "metrics.md"


@pytest.fixture
def operator(api: Api) -> Iterator[httpx.Client]:
    with api.client("operate") as client:
        yield client


@pytest.fixture
def failed(api: Api, client: httpx.Client) -> str:
    """The id of a report that could not be read."""
    id_ = str(client.post("/v1/reports", json={"text": f"{HIP_MRI} {new_id('x')}"}).json()["id"])
    with api.database.begin() as conn:
        [unit] = [due.work_id for due in work.ring_due(conn, older_than_s=-1, limit=10)][-1:]
        held = work.claim(conn, unit, lease_s=60)
        assert held is not None
        work.finish(conn, held, [Outcome.failed(id_, "timeout")])
    return id_


def state_of(client: httpx.Client, id_: str) -> str:
    return str(client.get(f"/v1/reports/{id_}").json()["state"])


def scraped(operator: httpx.Client) -> set[str]:
    """Return the names of the metrics that are served, as somebody asks for them."""
    answer = operator.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in text_string_to_metric_families(answer.text)
    }


def test_what_failed_is_told_and_queued_again(
    api: Api, client: httpx.Client, operator: httpx.Client, failed: str
) -> None:
    seen = operator.get("/v1/operations").json()
    assert seen["failed"]["timeout"] >= 1
    asked = {"error_code": "timeout"}
    answer = operator.post("/v1/operations/requeue", json=asked)
    assert answer.json()["reports"] == seen["failed"]["timeout"]
    assert state_of(client, failed) == ReportState.QUEUED
    waiting = operator.get("/v1/operations").json()["open_work"]
    assert {(one["lane"], one["kind"], one["state"]) for one in waiting} >= {
        ("bulk", "reports", "pending")
    }
    api.desk.work()
    assert state_of(client, failed) == ReportState.DONE
    assert operator.post("/v1/operations/requeue", json=asked).json() == {"reports": 0}


def test_one_report_is_queued_again_by_its_id(
    api: Api, client: httpx.Client, operator: httpx.Client, failed: str
) -> None:
    other = "rep_" + "0" * 26
    assert operator.post("/v1/operations/requeue", json={"report": other}).json()["reports"] == 0
    assert operator.post("/v1/operations/requeue", json={"report": failed}).json()["reports"] == 1
    api.desk.work()
    assert state_of(client, failed) == ReportState.DONE
    wrong = operator.post("/v1/operations/requeue", json={"report": "P-4711"})
    assert_problem(wrong, Code.VALIDATION_FAILED)


def test_the_page_queues_again_by_reason(
    api: Api, client: httpx.Client, operator: httpx.Client, failed: str
) -> None:
    html = operator.get("/operations", headers=PEOPLE).text
    assert "took longer than a report may" in html
    answer = operator.post("/operations/requeue", data={"error_code": "timeout"})
    assert answer.headers["location"].startswith("/operations?requeued=")
    html = operator.get(answer.headers["location"], headers=PEOPLE).text
    assert "to be read again." in html
    assert state_of(client, failed) == ReportState.QUEUED
    api.desk.work()


def test_an_operator_sees_numbers_and_nothing_of_a_report(
    client: httpx.Client, operator: httpx.Client, failed: str
) -> None:
    del client
    shown = operator.get("/v1/operations").text + operator.get("/metrics").text
    shown += operator.get("/operations", headers=PEOPLE).text
    assert failed not in shown
    assert "marrow oedema" not in shown
    assert operator.get(f"/v1/reports/{failed}").status_code == 403


def test_a_route_is_counted_by_its_template_and_nothing_by_what_a_client_wrote(
    operator: httpx.Client,
) -> None:
    operator.get("/v1/reports/rep_zzphi-metrics")
    operator.get("/zzphi-metrics")
    operator.request("ZZPHI", "/v1/operations")
    text = operator.get("/metrics").text
    assert "zzphi" not in text.lower()
    assert 'route="/v1/reports/{id}",status="403"' in text
    assert 'route="other"' in text


def documented() -> set[str]:
    return set(re.findall(r"^\| `(marrow_\w+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


def test_the_page_of_the_metrics_and_what_is_served_are_one(
    api: Api, operator: httpx.Client
) -> None:
    operator.get("/v1/operations")
    with api.database.begin() as conn:
        sums.keep(conn, work.reconcile(conn))
    assert {name for name in scraped(operator) if name.startswith("marrow_")} == documented()


def expressions() -> Iterator[str]:
    rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8"))
    yield from (rule["expr"] for group in rules["groups"] for rule in group["rules"])
    board: dict[str, Any] = json.loads((ROOT / "deploy/grafana/marrow.json").read_text("utf-8"))
    yield from (target["expr"] for panel in board["panels"] for target in panel["targets"])


def test_alarms_and_dashboard_ask_for_metrics_that_there_are() -> None:
    asked = {name for expression in expressions() for name in re.findall(r"marrow_\w+", expression)}
    known = documented() | {"marrow_http_request_seconds_bucket"}
    assert asked - known == set()
    assert {"marrow_reports_unaccounted", "marrow_work_oldest_seconds"} <= asked


def test_each_alarm_says_what_it_is_and_how_grave() -> None:
    rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8"))
    for rule in rules["groups"][0]["rules"]:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"].keys() == {"summary", "description"}
