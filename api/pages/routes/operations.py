"""The queue for people: what waits, who works, what failed; and failed reports read again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from api.operation_views import REQUEUE
from api.pages.forms import Form, read_form
from api.pages.queries import with_query
from api.pages.requests import TheService, TheView
from api.problems import Problem
from api.routes.operations import look, requeue
from api.scopes import Scope
from api.security import Needs
from extractor.model import Engine
from storage.access_model import Action
from storage.model import Lane

PATH = "/operations"
ERRORS = {
    "timeout": "took longer than a report may",
    "memory": "took more memory than a report may",
    "extraction_failed": "an error in the code, which is in the workers' log",
    "worker_lost": "its process died with it again and again",
}
"""What the error codes of reports mean."""

router = APIRouter(include_in_schema=False)


@router.get(PATH, dependencies=[Depends(Needs(Scope.OPERATE))])
async def show_operations(view: TheView) -> Response:
    """Show how the work goes."""
    seen = await run_in_threadpool(look, view.service)
    said = view.request.query_params.get("requeued", "")
    return view.page(
        "operations.html.j2",
        seen=seen,
        lanes=tuple(Lane),
        errors=ERRORS,
        engine=_engine(view),
        requeued=int(said[:9]) if said.isascii() and said.isdigit() else None,
    )


@router.post(PATH + "/requeue", dependencies=[Depends(Needs(Scope.OPERATE, Action.CHANGE))])
async def requeue_failed(
    service: TheService, form: Annotated[Form, Depends(read_form)]
) -> Response:
    """Have the failed reports of an error code read again."""
    asked = REQUEUE.validate_python({"error_code": form.get("error_code")[:64] or None})
    number = await requeue(service, error_code=asked.error_code)
    return RedirectResponse(with_query(PATH, {"requeued": str(number)}), status_code=303)


def _engine(view: TheView) -> Engine | None:
    """Return what reports are read with here; ``None`` while it is being loaded."""
    try:
        return view.service.extraction.extractor.engine
    except Problem:
        return None
