"""One audit: how far it is, what it came to, its figures and its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from api.audit_files import SHOW_TEXT, whole_file
from api.audit_queries import OutputFile
from api.audit_states import cancel, delete, load
from api.audit_views import audit_view
from api.pages.drawings import drawn, svg_answer
from api.pages.requests import TheService, TheView, View
from api.pages.routes.audits import PATH as AUDITS_PATH
from api.problems import Code, Problem
from api.scopes import Scope
from api.security import CurrentKey, Needs, check_scope
from api.service import Service
from extractor.model import Level
from storage.access_model import Action
from storage.audit_model import OPEN

PATH = AUDITS_PATH + "/{id}"
_READS = [Depends(Needs(Scope.AUDITS_READ))]
_TAKES_AWAY = [Depends(Needs(Scope.AUDITS_READ)), Depends(Needs(Scope.EXPORT))]
_FILES = {
    OutputFile.CASES: "the cases with their evidence, for a spreadsheet",
    OutputFile.ASSESSMENTS: "a row for each report",
    OutputFile.MENTIONS: "a row for each mention, with the words around it",
    OutputFile.PATIENTS: "the timelines of the patients",
    OutputFile.FAILURES: "what could not be read, and why",
    OutputFile.SUMMARY: "the numbers of this page",
    OutputFile.METADATA: "engine, patterns and checksums",
    OutputFile.REPORT: "all of it as one page for a department, with the cases",
}

router = APIRouter(include_in_schema=False)


@router.get(PATH, dependencies=_READS)
async def show_audit(
    id: str,  # noqa: A002 - the name in the path
    view: TheView,
) -> Response:
    """Show how far an audit is; once it is done, what it came to."""
    return await run_in_threadpool(_show, view, id)


@router.post(PATH + "/cancel", dependencies=[Depends(Needs(Scope.AUDITS_WRITE, Action.CHANGE))])
async def cancel_audit(
    id: str,  # noqa: A002 - the name in the path
    service: TheService,
) -> Response:
    """Stop an audit for good."""
    audit = await run_in_threadpool(cancel, service, id)
    return RedirectResponse(PATH.format(id=audit.id), status_code=303)


@router.post(PATH + "/delete", dependencies=[Depends(Needs(Scope.AUDITS_DELETE))])
async def delete_audit(
    id: str,  # noqa: A002 - the name in the path
    service: TheService,
) -> Response:
    """Delete an audit with its archive and its results."""
    await run_in_threadpool(delete, service, id)
    return RedirectResponse(AUDITS_PATH, status_code=303)


@router.get(PATH + "/figures/{name}", dependencies=_READS)
async def get_figure(
    id: str,  # noqa: A002 - the name in the path
    name: str,
    service: TheService,
) -> Response:
    """Return a figure of the summary as an image."""
    return await run_in_threadpool(_figure, service, id, name)


@router.get(PATH + "/files/{file}", dependencies=_TAKES_AWAY)
async def get_file(
    id: str,  # noqa: A002 - the name in the path
    file: OutputFile,
    key: CurrentKey,
    service: TheService,
) -> Response:
    """Return one output file as it is."""
    if file in SHOW_TEXT:
        check_scope(key, Scope.TEXT_READ)
    return await whole_file(service, id, file)


def _show(view: View, id_: str) -> Response:
    audit = load(view.service, id_)
    return view.page(
        "audit.html.j2",
        audit=audit_view(audit),
        created_at=audit.created_at,
        finished_at=audit.finished_at,
        is_open=audit.state in OPEN,
        is_done=audit.output_files is not None,
        figures=_captions(audit.summary) if audit.summary else {},
        files=[
            (file.value, about)
            for file, about in _FILES.items()
            if view.visitor.reads_text or file not in SHOW_TEXT
        ],
        levels=[str(level) for level in Level],
        base=PATH.format(id=audit.id),
    )


def _captions(summary: Mapping[str, Any]) -> dict[str, str]:
    """Return the captions of the figures that have something to show."""
    from audits.figures import FIGURES  # noqa: PLC0415 (matplotlib: only who asks for it)

    return {name: kind.caption for name, kind in FIGURES.items() if summary[kind.part]}


def _figure(service: Service, id_: str, name: str) -> Response:
    from audits.figures import FIGURES  # noqa: PLC0415 (as above)

    summary, kind = load(service, id_).summary, FIGURES.get(name)
    svg = drawn(lambda: kind.draw(summary)) if kind and summary is not None else ""
    if not svg:
        raise Problem(Code.ROUTE_NOT_FOUND, "The audit has no such figure.")
    return svg_answer(svg)
