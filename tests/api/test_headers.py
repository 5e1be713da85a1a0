"""What every answer tells the browser, and which names the service goes by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from api.hosts import known_names
from api.settings import ApiSettings
from tests.api.test_roles import PLACES, WHO_MAY

if TYPE_CHECKING:
    import httpx

    from tests.api.conftest import Api

EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
}
OVER_TLS = {"X-Forwarded-Proto": "https"}
CANARY = "zzphi-host.example"


def assert_safe(answer: httpx.Response) -> None:
    """Check what has to stand on every answer."""
    headers = answer.headers
    assert {name: headers.get(name) for name in EVERYWHERE} == EVERYWHERE
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'unsafe-inline'" not in policy
    assert "camera=()" in headers["permissions-policy"]
    assert headers.get_list("content-security-policy") == [policy]
    assert "server" not in headers


@pytest.mark.parametrize("is_signed_in", [True, False])
def test_every_route_sends_the_headers(api: Api, is_signed_in: bool) -> None:  # noqa: FBT001
    with api.client() if is_signed_in else api.anonymous() as client:
        for route in WHO_MAY:
            method, path = route.split()
            for place, value in PLACES.items():
                path = path.replace(place, value)
            answer = client.request(method, path, headers={"Accept": "text/html"})
            assert_safe(answer)
            is_static = path.startswith("/static/")
            assert (answer.headers["cache-control"] == "no-store") != is_static, route


def test_errors_send_them_too(client: httpx.Client) -> None:
    for answer in (
        client.get("/nothing"),
        client.put("/v1/reports"),
        client.get("/v1/reports", headers={"Host": CANARY}),
        client.post("/v1/extract", content=b"{"),
    ):
        assert answer.is_client_error
        assert_safe(answer)


def test_tls_is_asked_for_again_only_where_it_is(client: httpx.Client) -> None:
    name = "strict-transport-security"
    assert name not in client.get("/").headers
    for path in ("/", "/v1/reports", "/nothing"):
        assert "max-age=31536000" in client.get(path, headers=OVER_TLS).headers[name]


@pytest.mark.parametrize("host", [CANARY, f"{CANARY}:8765", "", "127.0.0.1.example", "localhost."])
def test_another_name_is_refused_and_not_repeated(client: httpx.Client, host: str) -> None:
    answer = client.get("/v1/reports", headers={"Host": host, "Accept": "text/html"})
    assert (answer.status_code, answer.json()["code"]) == (421, "HOST_UNKNOWN")
    assert "MARROW_ALLOWED_HOSTS" in answer.text
    assert CANARY not in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8765", "[::1]:8765"])
def test_this_machine_is_known_by_any_of_its_names(client: httpx.Client, host: str) -> None:
    assert client.get("/v1/reports", headers={"Host": host}).status_code == 200


def test_names_are_those_that_are_set_and_where_it_listens() -> None:
    settings = ApiSettings(allowed_hosts=("marrow.example.org",), host="0.0.0.0")  # noqa: S104
    here = {"localhost", "127.0.0.1", "[::1]"}
    assert known_names(settings.allowed_hosts, settings.host) == here | {"marrow.example.org"}
    assert known_names((), "10.1.2.3") == here | {"10.1.2.3"}
    assert known_names((), "fd00::7") == here | {"[fd00::7]"}


def test_names_are_set_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARROW_ALLOWED_HOSTS", '["a.example", "*.b.example"]')
    assert ApiSettings().allowed_hosts == ("a.example", "*.b.example")
    monkeypatch.setenv("MARROW_ALLOWED_HOSTS", '{"a": 1}')
    with pytest.raises(ValidationError):
        ApiSettings()


def test_all_names_below_a_domain_may_be_known(api: Api) -> None:
    from api.hosts import KnownHosts

    known = KnownHosts(api.app, names=["*.b.example"])

    def knows(host: str) -> bool:
        return known._knows({"headers": [(b"host", host.encode())]})

    assert knows("x.b.example")
    assert knows("x.b.example:80")
    assert not knows("b.example")
    assert not knows("xb.example")
    assert not known._knows({"headers": []})
