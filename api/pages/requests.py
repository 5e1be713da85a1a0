"""What every route of the pages asks of its request."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

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
