"""The access log for the auditor: canned questions, what narrows them, and the head to keep elsewhere."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from api.access_queries import LogQuery
from api.pages.queries import address, has_blanks, read_query
from api.pages.requests import TheView, View
from api.scopes import Scope
from api.security import Needs
from storage import access_log
from storage.access_model import Question
from storage.access_queries import list_page

PATH = "/access-log"
_QUESTIONS = {
    Question.ALL: "everything",
    Question.EXPORTS: "what was given out",
    Question.AFTER_HOURS: "after hours and at weekends",
    Question.FAILED_SIGN_INS: "failed sign-ins",
    Question.REFUSED: "what was refused",
}

router = APIRouter(include_in_schema=False)


@router.get(PATH, dependencies=[Depends(Needs(Scope.LOG_READ))])
async def show_log(view: TheView) -> Response:
    """Show a page of the access log, newest first."""
    query = read_query(view.request, LogQuery)
    if has_blanks(view.request):
        return RedirectResponse(address(PATH, query), status_code=303)
    return await run_in_threadpool(_show, view, query)


def _show(view: View, query: LogQuery) -> Response:
    cursors, named = view.service.cursors, query.named()
    before = None if query.cursor is None else int(cursors.read(query.cursor, named))
    with view.service.database.read() as conn:
        found = list_page(conn, query.filters(), before=before, limit=query.page_size)
        head = access_log.head(conn)
    cursor = None if found.next_before is None else cursors.make(str(found.next_before), named)
    return view.page(
        "access_log.html.j2",
        query=query,
        rows=found.entries,
        head=head,
        questions=[_choice(query, question) for question in Question],
        first_path=None if query.cursor is None else address(PATH, query),
        next_path=None if cursor is None else address(PATH, query, cursor=cursor),
    )


def _choice(query: LogQuery, question: Question) -> tuple[str, str, bool]:
    """Return a question's words, its address, and whether it is the one that is asked."""
    path = address(PATH, query, question=None if question is Question.ALL else question.value)
    return _QUESTIONS[question], path, question is query.question
