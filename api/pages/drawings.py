"""Drawings as images for pages: the library that makes them writes styles, which no page may hold."""

from __future__ import annotations

import threading
from collections.abc import Callable

from starlette.responses import Response

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
_ONE_AT_A_TIME = threading.Lock()
"""matplotlib keeps its styles for the whole process."""


def drawn(draw: Callable[[], str]) -> str:
    """Return what ``draw`` makes, while nobody else draws."""
    with _ONE_AT_A_TIME:
        return draw()


def svg_answer(svg: str) -> Response:
    """Return a drawing as an image."""
    return Response(svg, media_type="image/svg+xml", headers={"Content-Security-Policy": _POLICY})
