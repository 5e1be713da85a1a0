"""Draw a sample of a finished audit, from its tables, and read the words of its reports again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog
from starlette.concurrency import run_in_threadpool

from api.audit_states import load
from api.callers import Caller
from api.problems import Code, Problem
from api.resuming import whole
from api.review_schemas import SampleIn
from api.service import Service
from archives import ArchiveError
from audits import AuditError, Layout
from storage import samples
from storage.audit_model import OPEN, StoredAudit
from storage.errors import SourceError
from storage.ids import new_id
from storage.samples import NewItem, NewSample, StoredSample
from storage.sources import resolve_source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from audits.sampling import Sample

_TABLES = ("metadata.json", "mentions.parquet", "assessments.parquet")
_LOG = structlog.get_logger()


async def draw_sample(
    service: Service, audit: StoredAudit, asked: SampleIn, key: Caller
) -> StoredSample:
    """Draw and store a sample. Raises Problem."""
    async with _archive(service, audit, asked, key) as archive:
        return await run_in_threadpool(_draw, service, audit, asked, key, archive=archive)


@asynccontextmanager
async def _archive(
    service: Service, audit: StoredAudit, asked: SampleIn, key: Caller
) -> AsyncIterator[Path | None]:
    """Give the audited archive where its words are wanted and it can be had."""
    if not asked.texts:
        yield None
    elif asked.upload is not None:
        async with whole(service, asked.upload, key) as path:
            yield path
    elif audit.source is not None:
        yield await run_in_threadpool(_source, service, audit.source)
    else:
        yield None


def _source(service: Service, source: str) -> Path:
    try:
        return resolve_source(source, service.source_roots)
    except SourceError:
        raise _changed() from None


def _draw(
    service: Service, audit: StoredAudit, asked: SampleIn, key: Caller, *, archive: Path | None
) -> StoredSample:
    from audits.sampling import Stratum, draw  # noqa: PLC0415 (polars: only who asks for it)

    sizes = {
        Stratum.CASES: asked.cases,
        Stratum.NAMED: asked.named,
        Stratum.REST: asked.rest,
    }
    with _results(service, audit) as layout:
        drawn = draw(layout, sizes=sizes, seed=asked.seed)
        texts = {} if archive is None else _texts(layout, archive, drawn)
    new = _new(audit, drawn, texts, by=key.label)
    with service.database.begin() as conn:
        samples.create(conn, new)
        stored = samples.get(conn, new.id, audit=audit.id)
    _LOG.info("sample_drawn", audit=audit.id, sample=new.id, items=len(new.items))
    assert stored is not None  # noqa: S101 - of the same transaction
    return stored


def _texts(layout: Layout, archive: Path, drawn: Sample) -> dict[int, str]:
    from audits.texts import read_texts  # noqa: PLC0415 (as above)

    try:
        return read_texts(layout, [archive], [one.row for one in drawn.items])
    except (ArchiveError, AuditError):
        pass
    # Outside of the handler: messages of archives may hold names of columns.
    raise _changed()


def _new(audit: StoredAudit, drawn: Sample, texts: Mapping[int, str], *, by: str) -> NewSample:
    return NewSample(
        id=new_id("smp"),
        audit=audit.id,
        patterns_digest=drawn.patterns_digest,
        seed=drawn.seed,
        totals={str(name): number for name, number in drawn.totals.items()},
        items=[
            NewItem(
                item=one.item,
                stratum=str(one.stratum),
                row=one.row,
                report_id=_without_nul(one.report_id),
                accession=_without_nul(one.accession),
                study_date=None if one.study_date is None else str(one.study_date),
                path=_without_nul(one.path) or "",
                line=one.line,
                text=texts.get(one.row),
            )
            for one in drawn.items
        ],
        drawn_by=by,
    )


@contextmanager
def _results(service: Service, audit: StoredAudit) -> Iterator[Layout]:
    """Give the tables of a finished audit as files. Raises Problem."""
    if audit.output_files is None:
        told = "Wait until it is done." if audit.state in OPEN else "It has none."
        raise Problem(Code.AUDIT_NOT_DONE, told)
    folder = service.files.scratch / f"sample-{uuid4().hex}"
    try:
        for name in _TABLES:
            service.files.fetch(f"{audit.output_files}/{name}", folder / name)
        yield Layout(folder)
    except FileNotFoundError:
        load(service, audit.id)  # says so, if it was deleted meanwhile
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _without_nul(value: str | None) -> str | None:
    # PostgreSQL's text type refuses it.
    return None if value is None else value.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _changed() -> Problem:
    return Problem(
        Code.ARCHIVE_CHANGED,
        "Its words cannot be read again; name an `upload` of the audited archive, or draw without `texts`.",
    )
