"""Where people begin."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.pages.rendering import page
from api.pages.requests import CurrentVisitor

router = APIRouter(include_in_schema=False)

PATH = "/"


@router.get(PATH)
async def start(request: Request, visitor: CurrentVisitor) -> Response:
    """Show what there is for the visitor."""
    return page(request, "start.html.j2", visitor=visitor)
