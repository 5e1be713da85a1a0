"""The page to sign in on; it also stands in the place of a page that nobody is signed in for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from api.pages.queries import with_query
from api.pages.rendering import page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

PATH = "/sign-in"
OIDC_PATH = PATH + "/oidc"
_MOST_CHARS = 2_000


def sign_in_page(
    request: Request,
    *,
    next_path: str = "/",
    fault: str | None = None,
    is_needed: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the form; ``is_needed``: it stands where another page would."""
    wanted = local_path(next_path)
    has_provider = request.app.state.service.oidc is not None
    return page(
        request,
        "sign_in.html.j2",
        visitor=None,
        status=401 if fault or is_needed else 200,
        headers=headers,
        next_path=wanted,
        oidc_path=with_query(OIDC_PATH, {"next": wanted}) if has_provider else None,
        fault=fault,
        is_needed=is_needed,
    )


def local_path(wanted: str) -> str:
    """Return an address of our own that was asked for; the start where it is none."""
    if not wanted.startswith("/") or wanted.startswith(("//", "/\\")) or len(wanted) > _MOST_CHARS:
        return "/"
    if not (wanted.isascii() and wanted.isprintable()) or "\\" in wanted:
        return "/"
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc or parts.path == PATH else wanted
