"""Who asks too often waits, and nobody else does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from api.limits import Buckets, Limits
from api.problems import Problem
from api.settings import ApiSettings
from storage.settings import StorageSettings
from tests.api.conftest import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.conftest import Api

WRONG = {"X-API-Key": "marrow_00000000_wrong"}


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server that gives a key two requests, and then next to none; and an address two faults."""
    settings = StorageSettings(data_dir=tmp_path_factory.mktemp("strict"))
    few: dict[str, Any] = {
        "max_requests_per_s": 0.01,
        "max_requests_at_once": 2,
        "max_failed_sign_ins": 2,
    }
    with running(settings, **few) as server:
        yield server


def test_a_key_that_asks_too_often_is_told_when_to_come_back(strict: Api) -> None:
    with strict.client() as one, strict.client() as other:
        answers = [one.get("/v1/reports") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].json()["code"] == "TOO_MANY_REQUESTS"
        assert 1 <= int(answers[2].headers["retry-after"]) <= 100
        left = [
            re.fullmatch(r'"requests";r=(\d+);t=\d+', answer.headers["ratelimit"])
            for answer in answers
        ]
        assert [found and found[1] for found in left] == ["1", "0", "0"]
        assert answers[0].headers["ratelimit-policy"] == '"requests";q=2;w=200'
        assert other.get("/v1/reports").status_code == 200, "another key has a limit of its own"


def test_wrong_keys_are_counted_by_address_and_a_right_one_is_let_in(strict: Api) -> None:
    with strict.anonymous() as stranger:
        codes = [
            stranger.get("/v1/reports", headers=WRONG | {"X-Forwarded-For": "203.0.113.7"})
            for _ in range(3)
        ]
        assert [answer.status_code for answer in codes] == [401, 401, 429]
        assert int(codes[2].headers["retry-after"]) > 1
        elsewhere = stranger.get("/v1/reports", headers=WRONG | {"X-Forwarded-For": "203.0.113.8"})
        assert elsewhere.status_code == 401
    with strict.client() as ris:
        answer = ris.get("/v1/reports", headers={"X-Forwarded-For": "203.0.113.7"})
        assert answer.status_code == 200


def test_what_is_refused_too_often_stands_in_the_access_log(strict: Api) -> None:
    from storage.access_queries import Filters, list_page
    from tests.services import wait_until

    with strict.client() as client:
        for _ in range(3):
            answer = client.get("/v1/audits")

    def written() -> list[str | None]:
        with strict.database.read() as conn:
            found = list_page(conn, Filters()).entries
        wanted = answer.headers["x-request-id"]
        return [one.entry.outcome for one in found if one.entry.request == wanted]

    assert wait_until(written, what="the entry") == ["refused"]


def test_a_bucket_fills_again_and_no_further() -> None:
    now_s = 0.0
    buckets = Buckets(per_s=2, burst=4, clock_s=lambda: now_s)
    assert [buckets.take("a").left for _ in range(4)] == [3, 2, 1, 0]
    refused = buckets.take("a")
    assert refused.is_refused
    assert refused.wait_s == pytest.approx(0.5)
    now_s = 0.5
    assert not buckets.take("a").is_refused
    assert buckets.take("a").is_refused
    now_s = 1_000
    assert buckets.take("a").left == 3


def test_looking_takes_nothing() -> None:
    buckets = Buckets(per_s=1, burst=1, clock_s=lambda: 0.0)
    assert not buckets.take("a", 0).is_refused
    assert not buckets.take("a").is_refused
    assert buckets.take("a", 0).is_refused


def test_buckets_of_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.limits.MOST", 100)
    buckets = Buckets(per_s=1, burst=1, clock_s=lambda: 0.0)
    for number in range(1_000):
        buckets.take(str(number))
    assert len(buckets._held) == 100


def test_neighbours_in_ipv6_are_one_place() -> None:
    limits = Limits.of(ApiSettings(max_failed_sign_ins=1))
    limits.count_failure("2001:db8::1")
    with pytest.raises(Problem):
        limits.count_failure("2001:db8::2")
    limits.count_failure("2001:db8:0:1::1")


def test_a_backlog_of_thousands_is_posted_without_a_word_by_default() -> None:
    limits = Limits.of(ApiSettings())
    for _ in range(5_000):
        limits.check_request("key:ris")
