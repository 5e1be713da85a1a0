"""The output files of a finished audit as answers: whole, or in another form, from any store."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from api.audit_queries import OutputFile, TableFormat
from api.audit_states import load
from api.problems import Code, Problem
from api.service import Service
from archives.write import NOTICE
from storage.audit_model import OPEN

MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".fhir": "application/fhir+ndjson",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
}
SHOW_TEXT = frozenset({OutputFile.MENTIONS, OutputFile.REPORT, OutputFile.CASES})
"""Files that show words of reports: they take the scope `text:read` as well."""
_PIECE_BYTES = 256 * 1024
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
)
"""The page has its styles in it, and needs nothing else."""


async def whole_file(service: Service, id_: str, file: OutputFile) -> Response:
    """Return an output file as it is."""
    stream = await run_in_threadpool(open_file, service, id_, file)
    size = await run_in_threadpool(stream.seek, 0, io.SEEK_END)
    await run_in_threadpool(stream.seek, 0)
    headers = file_headers(file) | {"Content-Length": str(size)}
    if file is OutputFile.REPORT:
        headers |= {"Content-Security-Policy": _PAGE_POLICY, "Content-Disposition": "inline"}
    media_type = MEDIA_TYPES[Path(file).suffix]
    return StreamingResponse(_pieces(stream), media_type=media_type, headers=headers)


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while piece := stream.read(_PIECE_BYTES):
            yield piece


async def converted(service: Service, id_: str, file: OutputFile, form: TableFormat) -> Response:
    """Return a table in another form, made while it is sent."""
    folder = await run_in_threadpool(results_folder, service, id_)
    from archives.export import table_as_csv, table_as_ndjson  # noqa: PLC0415 (as above)

    convert = table_as_csv if form is TableFormat.CSV else table_as_ndjson
    name = f"{Path(file).stem}.{form.value}"
    return StreamingResponse(
        _convert(service, folder, file, convert),
        media_type=MEDIA_TYPES[f".{form.value}"],
        headers=file_headers(name),
    )


def _convert(
    service: Service, folder: str, file: OutputFile, convert: Callable[[Path], Iterator[bytes]]
) -> Iterator[bytes]:
    with fetched(service, folder, file) as [table]:
        yield from convert(table)


def fhir_resources(service: Service, folder: str, *, with_words: bool) -> Iterator[bytes]:
    """Yield the reports of an audit as FHIR resources, a line each."""
    from api.fhir_export import fhir_lines  # noqa: PLC0415 (as above)

    with fetched(service, folder, OutputFile.ASSESSMENTS, OutputFile.MENTIONS) as tables:
        yield from fhir_lines(*tables, with_words=with_words)


@contextmanager
def fetched(service: Service, folder: str, *files: OutputFile) -> Iterator[list[Path]]:
    """Give local copies of output files, for as long as they are read."""
    scratch = service.files.scratch / f"download-{uuid4().hex}"
    try:
        for file in files:
            service.files.fetch(f"{folder}/{file.value}", scratch / file.value)
        yield [scratch / file.value for file in files]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def file_headers(name: str) -> dict[str, str]:
    """Return what is said of a file that is saved under a name."""
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Marrow-Notice": NOTICE,
    }


def open_file(service: Service, id_: str, file: OutputFile) -> BinaryIO:
    """Open an output file to read it. Raises Problem."""
    try:
        return service.files.open(f"{results_folder(service, id_)}/{file.value}")
    except FileNotFoundError:
        raise Problem(Code.AUDIT_NOT_FOUND, "The audit was deleted just now.") from None


def results_folder(service: Service, id_: str) -> str:
    """Return the folder of an audit's output files, or raise Problem."""
    audit = load(service, id_)
    if audit.output_files is not None:
        return audit.output_files
    if audit.state in OPEN:
        raise Problem(Code.AUDIT_NOT_DONE, "Follow it by `events`.", headers={"Retry-After": "5"})
    raise Problem(Code.AUDIT_NOT_DONE, "It failed or was cancelled, so it has none.")
