"""The patients of an audit: who has anything to see, and the timelines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from api.audit_files import fetched, results_folder
from api.audit_queries import OutputFile
from api.service import Service

if TYPE_CHECKING:
    import polars as pl

    from audits.patient_list import Timeline


def list_patients(service: Service, id_: str) -> pl.DataFrame:
    """Return the patients of an audit, as ``patients_with_levels`` does. Raises Problem."""
    from audits.patient_list import patients_with_levels  # noqa: PLC0415 (polars: only who asks)

    folder = results_folder(service, id_)

    def make() -> pl.DataFrame:
        with _table(service, folder) as path:
            return patients_with_levels(path)

    return service.patient_lists.of(folder, make)


def timeline_of_row(service: Service, id_: str, row: int) -> Timeline | None:
    """Return the timeline of the patient whose report stands in a row. Raises Problem."""
    from audits.patient_list import find_timeline  # noqa: PLC0415 (as above)

    with _table(service, results_folder(service, id_)) as path:
        return find_timeline(path, row=row)


def timeline_of_patient(service: Service, id_: str, patient_id: str | None) -> Timeline | None:
    """Return the timeline of a patient; ``None`` where nothing is linked to him. Raises Problem."""
    from audits.patient_list import find_timeline  # noqa: PLC0415 (as above)

    if patient_id is None:
        return None
    with _table(service, results_folder(service, id_)) as path:
        return find_timeline(path, patient_id=patient_id)


@contextmanager
def _table(service: Service, folder: str) -> Iterator[Path]:
    with fetched(service, folder, OutputFile.PATIENTS) as [path]:
        yield path
