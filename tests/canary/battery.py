"""What every route is asked, whatever it does: marks wherever a client may write something.

The routes come from the OpenAPI description, and those of pages from the application, so that one
which is added tomorrow is asked, too.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from fastapi.routing import APIRoute, iter_route_contexts

from api.app import make_application
from api.security import PUBLIC
from api.settings import ApiSettings
from tests.canary.marks import Mark

if TYPE_CHECKING:
    from tests.canary.exchanges import Recorder

OVERLONG = 1_100_000
_BODY = Mark.BODY.word
_WRONG_BODIES: list[tuple[str, bytes]] = [
    ("application/json", b'{"text": "' + _BODY.encode()),
    ("application/json", b'{"text": "' + _BODY.encode() + b'\xff\xfe"}'),
    ("application/json", b'{"text": "' + _BODY.encode() + b'\\ud800"}'),
    ("application/json", b'{"text": "' + _BODY.encode() + b'", "text": ' + b"[" * 2_000),
    ("application/json", json.dumps({"text": {"a": Mark.VALUE.word}}).encode()),
    ("application/json", json.dumps({"text": "A hip.", Mark.FIELD.word: 1}).encode()),
    ("application/json", json.dumps([Mark.VALUE.word]).encode()),
    ("application/json", b'"' + _BODY.encode() * 100_000 + b'"'),
    ("text/html", _BODY.encode()),
    (f"multipart/form-data; boundary={_BODY}", f"--{_BODY}\r\n\r\n{_BODY}\r\n".encode()),
    (f"application/x-www-form-urlencoded; charset={_BODY}", f"text={_BODY}".encode()),
    (_BODY, _BODY.encode()),
]


def ask_all(recorder: Recorder, description: dict[str, Any]) -> None:
    """Ask every operation of the description everything."""
    for route, operations in description["paths"].items():
        for method, operation in operations.items():
            _ask(recorder, method.upper(), route, operation)
    for method, route in pages():
        _ask(recorder, method, route, {})
    _ask_nowhere(recorder)


def operations(description: dict[str, Any]) -> dict[tuple[str, str], bool]:
    """Return the operations of a description, and whether each one takes a key."""
    return {
        (method.upper(), route): bool(operation.get("security"))
        for route, methods in description["paths"].items()
        for method, operation in methods.items()
    }


def pages() -> dict[tuple[str, str], bool]:
    """Return the operations that no description has, and whether each one takes a key."""
    found: dict[tuple[str, str], bool] = {}
    for context in iter_route_contexts(make_application(ApiSettings()).routes):
        route = context.original_route
        assert isinstance(route, APIRoute)
        if not route.include_in_schema and route.path != "/openapi.json":
            found |= {
                (method, route.path): route.path not in PUBLIC for method in route.methods or ()
            }
    return found


def _ask(recorder: Recorder, method: str, route: str, operation: dict[str, Any]) -> None:
    parameters = operation.get("parameters", [])
    path = re.sub(r"\{\w+\}", _path_value(route), route)
    queries = [one["name"] for one in parameters if one["in"] == "query"]
    headers = {one["name"]: Mark.HEADER.word for one in parameters if one["in"] == "header"}

    recorder.ask(method, route, path=path, with_key=False)
    for wrong in ({"X-API-Key": Mark.HEADER.word}, {"Authorization": f"Basic {Mark.HEADER.word}"}):
        recorder.ask(method, route, path=path, with_key=False, headers=wrong)
    recorder.ask(method, route, path=path, params={Mark.QUERY.word: Mark.QUERY.word})
    for name in queries:
        recorder.ask(method, route, path=path, params={name: Mark.QUERY.word})
    everywhere = {"Prefer": f"wait={Mark.HEADER.word}", "User-Agent": Mark.HEADER.word}
    everywhere |= {"Cookie": f"session={Mark.HEADER.word}", "Referer": f"/{Mark.HEADER.word}"}
    recorder.ask(method, route, path=path, headers=everywhere | headers)
    recorder.ask(method, route, path=path, headers={"Host": f"{Mark.HEADER.word}.example"})
    if method not in {"GET", "HEAD"}:
        for media_type, body in _WRONG_BODIES:
            recorder.ask(
                method, route, path=path, content=body, headers={"Content-Type": media_type}
            )


def _path_value(route: str) -> str:
    """Return an id that looks like one of ours, where the route's ids look like anything."""
    prefix = {"/v1/reports/": "rep_", "/reports/": "rep_", "/v1/audits/": "aud_"}
    prefix |= {"/v1/uploads/": "upl_", "/audits/": "aud_", "/fhir/": "rep-"}
    return next((p for start, p in prefix.items() if route.startswith(start)), "") + Mark.PATH.word


def _ask_nowhere(recorder: Recorder) -> None:
    """Ask for what there is not."""
    for method in ("GET", "POST", "PROPFIND", Mark.VALUE.word.upper()):
        for path in (f"/{Mark.PATH.word}", f"/v1/reports/x/{Mark.PATH.word}", "/v1/reports"):
            recorder.ask(method, "", path=path, content=_BODY.encode())
