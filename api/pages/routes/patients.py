"""The patients of an audit over time: a list of those with anything to see, and a timeline of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.audit_queries import Cursor, PageSize, Query
from api.audit_states import load
from api.pages.drawings import drawn, svg_answer
from api.pages.lists import Choice
from api.pages.queries import address, read_query
from api.pages.requests import TheService, TheView, View
from api.pages.routes.audit import PATH as AUDIT_PATH
from api.patients import list_patients as list_patients_of
from api.patients import timeline_of_row
from api.problems import Code, Problem
from api.scopes import Scope
from api.security import Needs
from api.service import Service
from extractor.model import Level
from storage.access_model import Action

if TYPE_CHECKING:
    import polars as pl

    from audits.patient_list import Timeline

PATH = AUDIT_PATH + "/patients"
_READS = [Depends(Needs(Scope.AUDITS_READ, Action.READ))]
_COURSES = {"raised": "raised", "lowered": "lowered", "as_reported": "as by one report"}

router = APIRouter(include_in_schema=False)


class PatientsQuery(Query):
    """Filters and place of the list of patients."""

    level: Level | None = None
    course: Literal["raised", "lowered", "as_reported"] | None = None
    page_size: PageSize = 50
    cursor: Cursor | None = Field(default=None)


@router.get(PATH, dependencies=[Depends(Needs(Scope.AUDITS_READ, Action.SEARCH))])
async def list_patients(
    id: str,  # noqa: A002 - the name in the path
    view: TheView,
) -> Response:
    """Show a page of the patients of whom any report says something."""
    query = read_query(view.request, PatientsQuery)
    return await run_in_threadpool(_list, view, id, query)


@router.get(PATH + "/{row}", dependencies=_READS)
async def show_patient(
    *,
    id: str,  # noqa: A002 - the name in the path
    row: str,
    view: TheView,
) -> Response:
    """Show the timeline of the patient whose report stands in a row of the archive."""

    def show() -> Response:
        audit = load(view.service, id)
        base = AUDIT_PATH.format(id=audit.id)
        found = _timeline(view.service, id, row)
        return view.page("patient.html.j2", audit=audit, timeline=found, base=base)

    return await run_in_threadpool(show)


@router.get(PATH + "/{row}/timeline.svg", dependencies=_READS)
async def draw_timeline(
    id: str,  # noqa: A002 - the name in the path
    row: str,
    service: TheService,
) -> Response:
    """Return the timeline as an image."""

    def draw() -> Response:
        from audits.timeline_plot import timeline_plot  # noqa: PLC0415 (matplotlib)

        found = _timeline(service, id, row)
        return svg_answer(drawn(lambda: timeline_plot(found.rows, found.sides)))

    return await run_in_threadpool(draw)


def _timeline(service: Service, id_: str, row: str) -> Timeline:
    """Return the timeline of a patient who has one. Raises Problem."""
    found = None
    if row.isascii() and row.isdigit():
        found = timeline_of_row(service, id_, int(row[:12]))
    if found is None or not found.sides:
        raise Problem(Code.ROUTE_NOT_FOUND, "The audit has no timeline of this patient.")
    return found


def _list(view: View, id_: str, query: PatientsQuery) -> Response:
    audit = load(view.service, id_)
    path = PATH.format(id=audit.id)
    every = list_patients_of(view.service, id_)
    named = query.named()
    start = 0 if query.cursor is None else int(view.service.cursors.read(query.cursor, named))
    found = _chosen(every, query)
    rows = found.slice(start, query.page_size).to_dicts()
    following = start + query.page_size
    cursor = view.service.cursors.make(str(following), named) if following < found.height else None
    return view.page(
        "patients.html.j2",
        audit=audit,
        rows=rows,
        total=found.height,
        levels=_choices(path, query, "level", every),
        courses=_choices(path, query, "course", every),
        first_path=None if query.cursor is None else address(path, query),
        next_path=None if cursor is None else address(path, query, cursor=cursor),
        base=AUDIT_PATH.format(id=audit.id),
    )


def _chosen(every: pl.DataFrame, query: PatientsQuery, *, but: str | None = None) -> pl.DataFrame:
    """Return the patients that the filters leave; ``but`` is a filter that does not matter."""
    for name in ("level", "course"):
        value = getattr(query, name)
        if value is not None and name != but:
            every = every.filter(every[name] == str(value))
    return every


def _choices(path: str, query: PatientsQuery, name: str, every: pl.DataFrame) -> list[Choice]:
    counts: dict[str, Any] = dict(_chosen(every, query, but=name)[name].value_counts().iter_rows())
    titles = _COURSES if name == "course" else {str(one): str(one) for one in Level}
    chosen = getattr(query, name)
    return [
        Choice(
            value=value,
            title=title.replace("_", " "),
            number=counts.get(value, 0),
            is_chosen=value == chosen,
            path=address(path, query, **{name: None if value == chosen else value}),
        )
        for value, title in titles.items()
        if counts.get(value) or value == chosen
    ]
