"""Style sheet, scripts and icon: open to all, they say nothing of any report."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.pages.static_files import PATH, static_files
from api.problems import Code, Problem

router = APIRouter(include_in_schema=False)


@router.get(PATH + "/{name}")
async def get_static(name: str, request: Request) -> Response:
    """Return one of the files; whoever asks by its digest may keep it for good."""
    file = static_files().get(name)
    if file is None:
        raise Problem(Code.ROUTE_NOT_FOUND, "There is no such file.")
    is_named_by_content = request.query_params.get("v") == file.digest
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if is_named_by_content else "no-cache",
        "ETag": f'"{file.digest}"',
        "Vary": "Accept-Encoding",
    }  # fmt: skip
    body = file.body
    if "gzip" in request.headers.get("accept-encoding", ""):
        body = file.gzipped
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=file.media_type, headers=headers)
