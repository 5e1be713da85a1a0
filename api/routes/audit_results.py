"""What an audit found: cases, tables, failures, the page. The files are those of `marrow audit`."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO
from uuid import uuid4

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse

from api.access import TheNote
from api.audit_queries import (
    CasesQuery,
    FailuresQuery,
    OutputFile,
    ResultsQuery,
    RowFormat,
    TableFormat,
    TableName,
)
from api.audit_views import AUDITS_PATH, CaseList, FailureList
from api.problems import Code, Problem
from api.routes.audits import TheService, load
from api.scopes import Scope
from api.security import CurrentKey, Needs, check_scope, may
from api.service import Service
from api.wordless import case_without_words
from archives.write import NOTICE
from storage.access_model import Action
from storage.audit_model import OPEN

router = APIRouter(tags=["audits"])
_PIECE_BYTES = 256 * 1024
_NUMBERS = frozenset({"case", "age_years", "reports", "line", "row"})
"""Columns of the CSV files that hold whole numbers."""
_SHOWS_TEXT = frozenset({OutputFile.MENTIONS, OutputFile.REPORT, OutputFile.CASES})
"""Files that show words of reports: they take the scope `text:read` as well."""
_TAKES_AWAY = [Depends(Needs(Scope.AUDITS_READ)), Depends(Needs(Scope.EXPORT))]
"""What a route takes that gives out whole files."""
_MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".fhir": "application/fhir+ndjson",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
}
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
)
"""The page has its styles in it, and needs nothing else."""


def _contents(*suffixes: str) -> dict[int | str, dict[str, Any]]:
    """Return the description of an answer that is a file."""
    types: dict[str, Any] = {_MEDIA_TYPES[suffix].partition(";")[0]: {} for suffix in suffixes}
    return {200: {"content": types, "description": "The file."}}


@router.get(
    AUDITS_PATH + "/{id}/cases",
    response_model=CaseList,
    responses={200: {"content": {"text/csv": {}}}},
    dependencies=[Depends(Needs(Scope.AUDITS_READ, Action.SEARCH))],
)
async def get_cases(
    *,
    id: str,  # noqa: A002 - the name in the path
    query: Annotated[CasesQuery, Query()],
    key: CurrentKey,
    note: TheNote,
    service: TheService,
) -> Response:
    """List the cases, strongest first: a row for each probable hip, with its evidence in quotes.

    Without the scope `text:read` the columns that quote are empty. `format=csv` gives `cases.csv`,
    whole; it takes the scopes `export` and `text:read` as well.
    """
    if query.format is RowFormat.CSV:
        note.action = Action.EXPORT
        check_scope(key, Scope.EXPORT)
        check_scope(key, Scope.TEXT_READ)
        return await _file(service, id, OutputFile.CASES)
    found = await _rows(service, id, OutputFile.CASES, query)
    if not may(key, Scope.TEXT_READ):
        found.rows = [case_without_words(row) for row in found.rows]
    return JSONResponse({"cases": found.rows, "next_cursor": found.next_cursor})


@router.get(
    AUDITS_PATH + "/{id}/failures",
    response_model=FailureList,
    responses={200: {"content": {"text/csv": {}}}},
    dependencies=[Depends(Needs(Scope.AUDITS_READ))],
)
async def get_failures(
    id: str,  # noqa: A002 - the name in the path
    query: Annotated[FailuresQuery, Query()],
    service: TheService,
) -> Response:
    """List what could not be read, in the order of the archive: place and reason, never text.

    `format=csv` gives `failures.csv`, whole.
    """
    if query.format is RowFormat.CSV:
        return await _file(service, id, OutputFile.FAILURES)
    found = await _rows(service, id, OutputFile.FAILURES, query)
    return JSONResponse({"failures": found.rows, "next_cursor": found.next_cursor})


@router.get(
    AUDITS_PATH + "/{id}/results",
    response_class=StreamingResponse,
    responses=_contents(".parquet", ".csv", ".ndjson"),
    dependencies=_TAKES_AWAY,
)
async def get_results(
    id: str,  # noqa: A002 - the name in the path
    query: Annotated[ResultsQuery, Query()],
    key: CurrentKey,
    service: TheService,
) -> Response:
    """Return a table: a row for each report, each mention, or each step of a patient's timeline.

    Takes the scope `export` as well. `mentions` shows the words around each mention, which takes the scope `text:read` as well.
    """
    if query.table is TableName.MENTIONS:
        check_scope(key, Scope.TEXT_READ)
    file = OutputFile(f"{query.table.value}.parquet")
    if query.format is TableFormat.PARQUET:
        return await _file(service, id, file)
    return await _converted(service, id, file, query.format)


@router.get(
    AUDITS_PATH + "/{id}/fhir",
    response_class=StreamingResponse,
    responses=_contents(".fhir"),
    dependencies=_TAKES_AWAY,
)
async def get_fhir(
    id: str,  # noqa: A002 - the name in the path
    key: CurrentKey,
    service: TheService,
) -> Response:
    """Return every report that was read as a FHIR R4 DiagnosticReport, a line each (NDJSON).

    Takes the scope `export` as well. Without the scope `text:read` nothing is quoted; texts are in
    no audit's files.
    """
    folder = await run_in_threadpool(_folder, service, id)
    lines = _fhir_lines(service, folder, with_words=may(key, Scope.TEXT_READ))
    headers = _headers("diagnostic-reports.ndjson")
    return StreamingResponse(lines, media_type=_MEDIA_TYPES[".fhir"], headers=headers)


@router.get(
    AUDITS_PATH + "/{id}/report",
    response_class=StreamingResponse,
    responses=_contents(".html"),
    dependencies=[Depends(Needs(Scope.AUDITS_READ, Action.EXPORT))],
)
async def get_report_page(
    id: str,  # noqa: A002 - the name in the path
    key: CurrentKey,
    service: TheService,
) -> Response:
    """Return the audit's page: one HTML file that needs no network. Takes `text:read` as well."""
    check_scope(key, Scope.TEXT_READ)
    return await _file(service, id, OutputFile.REPORT)


@router.get(
    AUDITS_PATH + "/{id}/files/{file}",
    response_class=StreamingResponse,
    responses=_contents(".parquet", ".csv", ".json", ".html"),
    dependencies=_TAKES_AWAY,
)
async def get_file(
    id: str,  # noqa: A002 - the name in the path
    file: OutputFile,
    key: CurrentKey,
    service: TheService,
) -> Response:
    """Return one output file, byte for byte as `marrow audit` writes it.

    Takes the scope `export` as well; `mentions.parquet`, `cases.csv` and `report.html`, which show
    words of reports, `text:read` too.
    """
    if file in _SHOWS_TEXT:
        check_scope(key, Scope.TEXT_READ)
    return await _file(service, id, file)


@dataclass(slots=True)
class _Rows:
    """A page of the rows of a CSV file."""

    rows: list[dict[str, Any]]
    next_cursor: str | None


async def _rows(service: Service, id_: str, file: OutputFile, query: FailuresQuery) -> _Rows:
    """Return a page of the rows of a CSV file."""
    named = query.named()
    start = 0 if query.cursor is None else int(service.cursors.read(query.cursor, named))

    def read() -> list[dict[str, Any]]:
        from archives.export import read_rows  # noqa: PLC0415 (polars: only who asks for it)

        with io.TextIOWrapper(_open(service, id_, file), "utf-8-sig", newline="") as stream:
            wanted = (row for row in map(_typed, read_rows(stream)) if query.keeps(row))
            return list(islice(wanted, start, start + query.page_size + 1))

    rows = await run_in_threadpool(read)
    more = len(rows) > query.page_size
    cursor = service.cursors.make(str(start + query.page_size), named) if more else None
    return _Rows(rows[: query.page_size], cursor)


def _typed(row: dict[str, str | None]) -> dict[str, Any]:
    return {
        name: int(cell) if name in _NUMBERS and cell is not None else cell
        for name, cell in row.items()
    }


async def _file(service: Service, id_: str, file: OutputFile) -> Response:
    """Return an output file as it is."""
    stream = await run_in_threadpool(_open, service, id_, file)
    size = await run_in_threadpool(stream.seek, 0, io.SEEK_END)
    await run_in_threadpool(stream.seek, 0)
    headers = _headers(file) | {"Content-Length": str(size)}
    if file is OutputFile.REPORT:
        headers |= {"Content-Security-Policy": _PAGE_POLICY, "Content-Disposition": "inline"}
    media_type = _MEDIA_TYPES[Path(file).suffix]
    return StreamingResponse(_pieces(stream), media_type=media_type, headers=headers)


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while piece := stream.read(_PIECE_BYTES):
            yield piece


async def _converted(service: Service, id_: str, file: OutputFile, form: TableFormat) -> Response:
    """Return a table in another form, made while it is sent."""
    folder = await run_in_threadpool(_folder, service, id_)
    from archives.export import table_as_csv, table_as_ndjson  # noqa: PLC0415 (as above)

    convert = table_as_csv if form is TableFormat.CSV else table_as_ndjson
    name = f"{Path(file).stem}.{form.value}"
    return StreamingResponse(
        _convert(service, folder, file, convert),
        media_type=_MEDIA_TYPES[f".{form.value}"],
        headers=_headers(name),
    )


def _convert(
    service: Service, folder: str, file: OutputFile, convert: Callable[[Path], Iterator[bytes]]
) -> Iterator[bytes]:
    with _fetched(service, folder, file) as [table]:
        yield from convert(table)


def _fhir_lines(service: Service, folder: str, *, with_words: bool) -> Iterator[bytes]:
    from api.fhir_export import fhir_lines  # noqa: PLC0415 (as above)

    with _fetched(service, folder, OutputFile.ASSESSMENTS, OutputFile.MENTIONS) as tables:
        yield from fhir_lines(*tables, with_words=with_words)


@contextmanager
def _fetched(service: Service, folder: str, *files: OutputFile) -> Iterator[list[Path]]:
    """Give local copies of output files, for as long as they are read."""
    scratch = service.files.scratch / f"download-{uuid4().hex}"
    try:
        for file in files:
            service.files.fetch(f"{folder}/{file.value}", scratch / file.value)
        yield [scratch / file.value for file in files]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _headers(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Marrow-Notice": NOTICE,
    }


def _open(service: Service, id_: str, file: OutputFile) -> BinaryIO:
    try:
        return service.files.open(f"{_folder(service, id_)}/{file.value}")
    except FileNotFoundError:
        raise Problem(Code.AUDIT_NOT_FOUND, "The audit was deleted just now.") from None


def _folder(service: Service, id_: str) -> str:
    """Return the folder of an audit's output files, or raise Problem."""
    audit = load(service, id_)
    if audit.output_files is not None:
        return audit.output_files
    if audit.state in OPEN:
        raise Problem(Code.AUDIT_NOT_DONE, "Follow it by `events`.", headers={"Retry-After": "5"})
    raise Problem(Code.AUDIT_NOT_DONE, "It failed or was cancelled, so it has none.")
