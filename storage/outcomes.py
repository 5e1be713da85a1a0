"""What became of a report that was read, ready to be written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, update

from storage.clock import now
from storage.model import ReportState
from storage.sealing import sealer_of
from storage.tables import mentions, reports, results

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Connection

    from extractor.model import Result

_WRITE_SIZE = 400


@dataclass(frozen=True, slots=True)
class Outcome:
    """The rows of one report that was read, or why it could not be.

    Made outside of the transaction, so that the transaction is short.
    """

    id: str
    """Our id of the report."""
    error_code: str | None
    result: Mapping[str, Any] | None
    mentions: tuple[Mapping[str, Any], ...]

    @classmethod
    def done(cls, id_: str, result: Result) -> Outcome:
        """Return the outcome of a report that was read."""
        # ASCII escapes: JSON text without NUL characters and halves of surrogate pairs.
        text = json.dumps(result.to_dict(), separators=(",", ":"))
        row = {
            "report": id_,
            "level": result.assessment.level,
            "side": result.assessment.side,
            "in_scope": result.study.in_scope,
            "engine_version": result.engine.version,
            "patterns_version": result.engine.patterns_version,
            "patterns_digest": result.engine.patterns_digest,
            "json": text,
        }
        flat = tuple(
            {
                "report": id_,
                "mention": mention.id,
                "finding": mention.finding,
                "status": mention.status,
                "laterality": mention.laterality,
                "experiencer": mention.experiencer,
                "sites": "|".join(("", *mention.sites, "")),
            }
            for mention in result.mentions
        )
        return cls(id=id_, error_code=None, result=row, mentions=flat)

    @classmethod
    def failed(cls, id_: str, error_code: str) -> Outcome:
        """Return the outcome of a report that cannot be read."""
        return cls(id=id_, error_code=error_code, result=None, mentions=())


def write(conn: Connection, work_id: int, outcomes: Sequence[Outcome]) -> None:
    """Write the outcomes of those reports that still wait in this unit.

    What was deleted or cancelled meanwhile is left alone.
    """
    by_error: dict[str | None, list[str]] = {}
    for outcome in outcomes:
        by_error.setdefault(outcome.error_code, []).append(outcome.id)
    written: set[str] = set()
    for error_code, ids in by_error.items():
        for start in range(0, len(ids), _WRITE_SIZE):
            part = ids[start : start + _WRITE_SIZE]
            written |= mark_final(conn, work_id, part, error_code=error_code)
    kept = [outcome for outcome in outcomes if outcome.id in written and outcome.result is not None]
    if kept:
        sealer = sealer_of(conn)
        rows = [dict(outcome.result or {}) for outcome in kept]
        conn.execute(
            insert(results), [row | sealer.seal_json(row["report"], row["json"]) for row in rows]
        )
    flat = [dict(mention) for outcome in kept for mention in outcome.mentions]
    if flat:
        conn.execute(insert(mentions), flat)


def mark_final(
    conn: Connection, work_id: int, ids: Sequence[str], *, error_code: str | None
) -> set[str]:
    """Give waiting reports of a unit their final state; return those that did wait."""
    query = (
        update(reports)
        .where(
            reports.c.id.in_(ids),
            reports.c.work_id == work_id,
            reports.c.state == ReportState.QUEUED,
        )
        .values(
            state=ReportState.DONE if error_code is None else ReportState.FAILED,
            error_code=error_code,
            finished_at=now(),
        )
        .returning(reports.c.id)
    )
    return set(conn.execute(query).scalars())
