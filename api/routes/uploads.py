"""Uploads of archives that go on where they broke off (tus 1.0)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api import tus
from api.problems import Code, Problem
from api.resuming import announce, end, find, receive
from api.scopes import Scope
from api.security import CurrentKey, Needs
from api.service import Service, service_of
from storage.access_model import Action
from storage.uploads import StoredUpload

router = APIRouter(
    prefix=tus.UPLOADS_PATH,
    tags=["uploads"],
    dependencies=[Depends(Needs(Scope.AUDITS_WRITE))],
)
TheService = Annotated[Service, Depends(service_of)]
_TUS = [Depends(tus.check_version)]
_LOOKS = Depends(Needs(Scope.AUDITS_WRITE, Action.FOLLOW))


def _header(name: str, description: str, *, required: bool = True, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": schema,
    }


_VERSION = _header(tus.VERSION_HEADER, "The protocol.", type="string", enum=[tus.VERSION])
_LENGTH = _header(tus.LENGTH_HEADER, "The size of the archive.", type="integer", minimum=1)
_METADATA = _header(
    tus.METADATA_HEADER,
    "`filename` and, if it is known, `sha256` (hexadecimal) of the archive, each followed by a "
    "blank and its value in base 64, divided by a comma.",
    type="string",
)
_OFFSET = _header(
    tus.OFFSET_HEADER, "Where the body belongs: where the upload stands.", type="integer", minimum=0
)
_CHUNK: dict[str, Any] = {
    "required": True,
    "content": {tus.CHUNK_TYPE: {"schema": {"type": "string", "format": "binary"}}},
}


@router.options("", status_code=204, dependencies=[_LOOKS])
async def discover(service: TheService) -> Response:
    """Say what is spoken here: tus 1.0 with creation, expiration and termination."""
    headers = {
        "Tus-Version": tus.VERSION,
        "Tus-Extension": tus.EXTENSIONS,
        "Tus-Max-Size": str(service.settings.max_archive_bytes),
    }
    return Response(status_code=204, headers=headers)


@router.post(
    "",
    status_code=201,
    dependencies=_TUS,
    openapi_extra={"parameters": [_VERSION, _LENGTH, _METADATA]},
)
async def post_upload(request: Request, key: CurrentKey, service: TheService) -> Response:
    """Announce an archive: its size, its name and its checksum.

    `Location` is where its bytes go, by `PATCH`, in one request or many. Once all of them are there,
    `POST /v1/audits` with `{"upload": "<id>"}` starts the audit. An upload for which nothing comes
    any more is deleted at the time in `Upload-Expires`.
    """
    upload = await run_in_threadpool(announce, request, service, key)
    location = f"{tus.UPLOADS_PATH}/{upload.id}"
    return Response(status_code=201, headers={"Location": location, **_standing(upload)})


@router.head(
    "/{id}",
    response_class=Response,
    dependencies=[*_TUS, _LOOKS],
    openapi_extra={"parameters": [_VERSION]},
)
async def head_upload(
    id: str,  # noqa: A002 - the name in the path
    key: CurrentKey,
    service: TheService,
) -> Response:
    """Tell how much has arrived (`Upload-Offset`): where to go on after a cut."""
    upload = await run_in_threadpool(find, service, id, key)
    headers = {tus.LENGTH_HEADER: str(upload.bytes), **_standing(upload)}
    return Response(status_code=200, headers=headers)


@router.patch(
    "/{id}",
    status_code=204,
    dependencies=_TUS,
    openapi_extra={"parameters": [_VERSION, _OFFSET], "requestBody": _CHUNK},
)
async def patch_upload(
    id: str,  # noqa: A002 - the name in the path
    request: Request,
    key: CurrentKey,
    service: TheService,
) -> Response:
    """Send what is left, or a part of it. What has come before a cut is kept."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != tus.CHUNK_TYPE:
        raise Problem(Code.UNSUPPORTED_MEDIA_TYPE, f"Send it as `{tus.CHUNK_TYPE}`.")
    upload = await receive(request, service, id, key)
    return Response(status_code=204, headers=_standing(upload))


@router.delete(
    "/{id}",
    status_code=204,
    dependencies=[*_TUS, Depends(Needs(Scope.AUDITS_WRITE, Action.DELETE))],
    openapi_extra={"parameters": [_VERSION]},
)
async def delete_upload(
    id: str,  # noqa: A002 - the name in the path
    key: CurrentKey,
    service: TheService,
) -> Response:
    """Delete an upload that no audit was made of."""
    await run_in_threadpool(end, service, id, key)
    return Response(status_code=204)


def _standing(upload: StoredUpload) -> dict[str, str]:
    headers = {tus.OFFSET_HEADER: str(upload.received)}
    if upload.audit is None:
        headers["Upload-Expires"] = tus.http_date(upload.expires_at)
    return headers
