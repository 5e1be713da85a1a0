"""Whether a page of ours sent a request, or somebody else's page in the same browser (CSRF).

By the headers that browsers set and pages cannot: ``Sec-Fetch-Site``, and where a browser is too
old for it, ``Origin``. So forms need no token, and work without JavaScript. Only requests whose
right comes from a cookie are asked: a key in a header no other page can send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.problems import Code, Problem

if TYPE_CHECKING:
    from starlette.requests import Request

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS = frozenset({"same-origin", "none"})
"""``none``: the person himself, by the address line or by loading a page again."""


def check_same_origin(request: Request) -> None:
    """Raise Problem unless a request changes nothing, or comes from a page of ours."""
    if request.method in _SAFE or _is_ours(request):
        return
    raise Problem(
        Code.OTHER_ORIGIN,
        "The form was sent from another site, or by a browser that does not say from where.",
    )


def _is_ours(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in _OURS
    host = request.headers.get("host", "")
    return request.headers.get("origin") == f"{request.scope['scheme']}://{host}"
