"""The headers of every answer, whatever its route says: set at the edge, on errors too."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.datastructures import MutableHeaders

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    # Not `no-referrer`: that takes the Origin from forms too, by which we tell our own.
    "Referrer-Policy": "same-origin",
    # What is no page loads nothing, posts nothing and stands in no frame; pages have their own.
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Permissions-Policy": (
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_OVER_TLS = {"Strict-Transport-Security": "max-age=31536000"}
"""A year, this host alone: what else is below its domain is none of our business."""


def add_headers(headers: MutableHeaders, *, scheme: str) -> None:
    """Set what the route did not set; ``scheme`` is what the browser sees, the proxy's."""
    wanted = _ALWAYS | _OVER_TLS if scheme == "https" else _ALWAYS
    for name, value in wanted.items():
        headers.setdefault(name, value)
