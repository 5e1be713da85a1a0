"""The cases and the failures of an audit, page by page: for programs and for the pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from api.audit_files import open_file, results_folder
from api.audit_queries import CASE_FACETS, CaseOrder, CasesQuery, FailuresQuery, OutputFile
from api.audit_rows import Listing, RowIndex
from api.service import Service
from api.wordless import case_without_words

_NO_DAY = 99_999_999


def _day(study_date: str | None) -> int:
    """Return the date of a study as a number; 0 where there is none."""
    digits = (study_date or "").replace("-", "")
    return int(digits.ljust(8, "0")) if digits.isdigit() else 0


_CASES = Listing(
    facets=CASE_FACETS,
    orders={
        CaseOrder.STUDY_NEWEST.value: ("study_date", lambda date: -_day(date)),
        CaseOrder.STUDY_OLDEST.value: ("study_date", lambda date: _day(date) or _NO_DAY),
    },
)
_FAILURES = Listing()


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of rows."""

    rows: list[dict[str, Any]]
    next_cursor: str | None


def list_cases(service: Service, id_: str, query: CasesQuery, *, with_words: bool) -> ListPage:
    """Return a page of the cases; without words the columns that quote are empty. Raises Problem."""
    order = None if query.sort is CaseOrder.STRONGEST else query.sort.value
    with opened(service, id_, OutputFile.CASES, _CASES) as (index, stream):
        page = _page(service, index, stream, query, chosen=query.chosen(), order=order)
    if with_words:
        return page
    return ListPage([case_without_words(row) for row in page.rows], page.next_cursor)


def count_cases(
    service: Service, id_: str, query: CasesQuery
) -> tuple[int, dict[str, Mapping[str | None, int]]]:
    """Return how many cases the filters leave, and for each facet what each value would leave."""
    chosen = query.chosen()
    with opened(service, id_, OutputFile.CASES, _CASES) as (index, _):
        return index.total(chosen), {name: index.counts(name, chosen) for name in CASE_FACETS}


def find_case(
    service: Service, id_: str, number: int, *, with_words: bool
) -> dict[str, Any] | None:
    """Return a case by its number, which is its place in the file; ``None`` where there is none."""
    with opened(service, id_, OutputFile.CASES, _CASES) as (index, stream):
        rows = index.page(stream, {}, after=number - 2, limit=1).rows if number else []
    if not rows or rows[0]["case"] != number:
        return None
    return rows[0] if with_words else case_without_words(rows[0])


def list_failures(service: Service, id_: str, query: FailuresQuery) -> ListPage:
    """Return a page of what could not be read. Raises Problem."""
    with opened(service, id_, OutputFile.FAILURES, _FAILURES) as (index, stream):
        return _page(service, index, stream, query, chosen={})


@contextmanager
def opened(
    service: Service, id_: str, file: OutputFile, listing: Listing
) -> Iterator[tuple[RowIndex, BinaryIO]]:
    """Give the index of a CSV file of an audit, and the file. Raises Problem."""
    name = f"{results_folder(service, id_)}/{file.value}"
    with open_file(service, id_, file) as stream:
        yield service.row_indexes.of(name, lambda: RowIndex(stream, listing)), stream


def _page(
    service: Service,
    index: RowIndex,
    stream: BinaryIO,
    query: FailuresQuery,
    *,
    chosen: Mapping[str, str | None],
    order: str | None = None,
) -> ListPage:
    named = query.named()
    after = -1 if query.cursor is None else int(service.cursors.read(query.cursor, named))
    page = index.page(stream, chosen, order=order, after=after, limit=query.page_size)
    cursor = None if page.next_after is None else service.cursors.make(str(page.next_after), named)
    return ListPage(page.rows, cursor)
