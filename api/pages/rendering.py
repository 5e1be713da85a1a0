"""Pages from templates: everything escaped, nothing inline, nothing kept by browsers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from api.pages.marked_text import anchor, facts_of, status_of, words
from api.pages.moments import day, duration, moment
from api.pages.static_files import static_path
from archives.write import NOTICE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from api.pages.visitor import Visitor

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SIGNS = {"affirmed": "+", "negated": "\u2212", "uncertain": "?", "historical": "\u2039", "hypothetical": "~"}  # fmt: skip
"""Of each status, beside its colour; the style sheet draws the same in the text."""


@cache
def environment() -> Environment:
    """Return the templates."""
    made = Environment(
        loader=PackageLoader("api.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(words=lambda value: words(str(value)), number=number, facts=facts_of)
    made.filters.update(anchor=anchor, moment=moment, day=day, duration=duration, status=status_of)
    made.globals.update(static=static_path, notice=NOTICE, signs=SIGNS)
    return made


def page(
    request: Request,
    template: str,
    *,
    visitor: Visitor | None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """Return a page; ``visitor`` decides what of it is shown."""
    html = environment().get_template(template).render(
        path=request.url.path, visitor=visitor, **values
    )  # fmt: skip
    policy = {"Content-Security-Policy": CSP, "Vary": "HX-Request"}
    return HTMLResponse(html, status_code=status, headers=policy | dict(headers or {}))


def number(value: float) -> str:
    """Return a number with its thousands parted."""
    return f"{value:,}"
