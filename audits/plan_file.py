"""The plan as a file, and the inputs that it was made of; light enough for any process."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from archives import checksum, list_files
from archives.write import write_json
from audits.model import InputFile, Plan, Shard

if TYPE_CHECKING:
    from audits.layout import Layout
    from audits.model import AuditArguments


def list_inputs(arguments: AuditArguments) -> tuple[InputFile, ...]:
    """Return the files of the archive with their sizes and checksums.

    Raises:
        ArchiveNotFoundError: nothing at a path.

    """
    return tuple(
        InputFile(name=file.name, bytes=file.path.stat().st_size, checksum=checksum(file.path))
        for file in list_files(list(arguments.archives))
    )


def save_plan(plan: Plan, layout: Layout) -> None:
    """Write the plan; from now on the audit is resumed and not planned again."""
    write_json(asdict(plan), layout.plan)


def load_plan(layout: Layout) -> Plan | None:
    """Return the plan of an unfinished audit, ``None`` where there is none."""
    if not layout.plan.exists():
        return None
    value = json.loads(layout.plan.read_text(encoding="utf-8"))
    inputs = tuple(InputFile(**item) for item in value.pop("inputs"))
    shards = tuple(Shard(**item) for item in value.pop("shards"))
    naming = tuple(value.pop("naming"))
    return Plan(inputs=inputs, shards=shards, naming=naming, **value)
