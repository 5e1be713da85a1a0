"""What every route of the pages asks of its request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import Response

from api.pages.rendering import page
from api.pages.visitor import Visitor
from api.security import CurrentKey
from api.service import Service, service_of


async def visitor_of(request: Request, key: CurrentKey) -> Visitor:
    """Return who asks; the page of a problem shows the same navigation."""
    visitor = Visitor.of(key)
    request.state.visitor = visitor
    return visitor


CurrentVisitor = Annotated[Visitor, Depends(visitor_of)]
TheService = Annotated[Service, Depends(service_of)]


@dataclass(frozen=True, slots=True)
class View:
    """Who looks, at what, and what the page is made from."""

    request: Request
    visitor: Visitor
    service: Service

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Return a page for the visitor."""
        return page(self.request, template, visitor=self.visitor, status=status, **values)


async def view_of(request: Request, visitor: CurrentVisitor, service: TheService) -> View:
    """Return what a route of the pages works with (a dependency)."""
    return View(request, visitor, service)


TheView = Annotated[View, Depends(view_of)]
