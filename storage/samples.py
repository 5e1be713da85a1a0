"""Samples of finished audits: what was drawn, and what at most two reviewers say of each report.

A decision is one row, and taking it back deletes it: how far a review is, is counted. Where both
have decided and disagree, a third word, the verdict, is noted at the item. Which stratum an item is
of comes out only with all items: who judges must not see it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, insert, select, update
from sqlalchemy import delete as sql_delete

from storage.clock import now
from storage.errors import ReviewersFullError
from storage.identity import decode_text, encode_text
from storage.sealing import sealer_of
from storage.tables import sample_decisions, sample_items, sample_reviewers, samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from storage.rows import AnyRow

MAX_REVIEWERS = 2
_MAX_SAMPLES = 200
"""Of one audit that are listed, the newest."""


@dataclass(frozen=True, slots=True)
class NewItem:
    """A report that was drawn."""

    item: str
    stratum: str
    row: int
    report_id: str | None
    accession: str | None
    study_date: str | None
    path: str
    line: int
    text: str | None = None


@dataclass(frozen=True, slots=True)
class NewSample:
    """What was drawn of an audit, in the order in which it is judged."""

    id: str
    audit: str
    patterns_digest: str
    seed: int
    totals: Mapping[str, int]
    """How many reports each stratum has."""
    items: Sequence[NewItem]
    drawn_by: str


@dataclass(frozen=True, slots=True)
class StoredSample:
    """One sample, without its items."""

    id: str
    audit: str
    patterns_digest: str
    seed: int
    totals: Mapping[str, int]
    items: int
    has_texts: bool
    drawn_by: str
    created_at: datetime
    decided: Mapping[str, int]
    """By reviewer, the first one first, how many items he has decided."""


@dataclass(frozen=True, slots=True)
class StoredItem:
    """One item as a reviewer may see it before he decides."""

    item: str
    number: int
    """From 1 on."""
    report_id: str | None
    accession: str | None
    study_date: str | None
    path: str
    line: int
    decision: str | None
    """What this reviewer has said."""
    text: str | None = None


@dataclass(frozen=True, slots=True)
class JudgedItem:
    """One item with all that was said of it: not for those who have yet to decide."""

    item: str
    number: int
    stratum: str
    row: int
    report_id: str | None
    accession: str | None
    study_date: str | None
    path: str
    line: int
    decisions: Mapping[str, str]
    """By reviewer."""
    verdict: str | None
    verdict_by: str | None

    @property
    def is_disputed(self) -> bool:
        """Whether two have decided, and not alike."""
        return len(set(self.decisions.values())) > 1


def create(conn: Connection, new: NewSample) -> None:
    """Store a sample with its items."""
    sealer = sealer_of(conn)
    conn.execute(
        insert(samples).values(
            id=new.id,
            audit=new.audit,
            patterns_digest=new.patterns_digest,
            seed=new.seed,
            totals=json.dumps(dict(new.totals)),
            items=len(new.items),
            has_texts=any(one.text is not None for one in new.items),
            drawn_by=new.drawn_by,
            created_at=now(),
        )
    )
    rows = []
    for number, one in enumerate(new.items, start=1):
        id_ = _item_id(new.id, one.item)
        data = None if one.text is None else encode_text(one.text)
        facts = {name: getattr(one, name) for name in _FACTS}
        rows.append(
            facts
            | {"id": id_, "sample": new.id, "number": number, "stratum": one.stratum}
            | {"row": one.row}
            | sealer.seal_item(id_, data)
        )
    if rows:
        conn.execute(insert(sample_items), rows)


def get(conn: Connection, id_: str, *, audit: str) -> StoredSample | None:
    """Return a sample of an audit; ``None`` where there is none."""
    found = _load(conn, select(samples).where(samples.c.id == id_, samples.c.audit == audit))
    return found[0] if found else None


def list_all(conn: Connection, audit: str) -> list[StoredSample]:
    """Return the samples of an audit, newest first."""
    query = select(samples).where(samples.c.audit == audit).order_by(samples.c.id.desc())
    return _load(conn, query.limit(_MAX_SAMPLES))


def delete(conn: Connection, id_: str) -> bool:
    """Delete a sample with all that was said of it; ``False`` where there is none."""
    return conn.execute(sql_delete(samples).where(samples.c.id == id_)).rowcount == 1


def items(conn: Connection, sample: str, reviewer: str) -> list[StoredItem]:
    """Return all items in their order, without texts."""
    rows = conn.execute(_seen(sample, reviewer).order_by(sample_items.c.number))
    return [_item(row) for row in rows]


def get_item(
    conn: Connection, sample: str, item: str, reviewer: str, *, include_text: bool = False
) -> StoredItem | None:
    """Return one item; ``None`` where there is none."""
    query = _seen(sample, reviewer).where(sample_items.c.id == _item_id(sample, item))
    return _one(conn, query, include_text=include_text)


def next_item(
    conn: Connection,
    sample: str,
    reviewer: str,
    *,
    after: int = 0,
    include_text: bool = False,
) -> StoredItem | None:
    """Return the first item behind a number that a reviewer has not decided."""
    query = _seen(sample, reviewer).where(
        sample_items.c.number > after, sample_decisions.c.decision.is_(None)
    )
    query = query.order_by(sample_items.c.number).limit(1)
    return _one(conn, query, include_text=include_text)


def decide(conn: Connection, sample: str, item: str, *, reviewer: str, decision: str) -> bool:
    """Note what a reviewer says of an item, in the place of what he said before.

    ``False`` where there is no such item, or a verdict stands on what was said already.
    Raises ReviewersFullError for a third reviewer.
    """
    id_ = _item_id(sample, item)
    _join(conn, sample, reviewer)
    is_open = select(sample_items.c.id).where(
        sample_items.c.id == id_, sample_items.c.verdict.is_(None)
    )
    if conn.execute(is_open.with_for_update()).first() is None:
        return False
    values = {"decision": decision, "decided_at": now()}
    mine = and_(sample_decisions.c.item == id_, sample_decisions.c.reviewer == reviewer)
    if not conn.execute(update(sample_decisions).where(mine).values(**values)).rowcount:
        conn.execute(insert(sample_decisions).values(item=id_, reviewer=reviewer, **values))
    return True


def take_back(conn: Connection, sample: str, reviewer: str, item: str | None = None) -> str | None:
    """Delete a decision of a reviewer, his last one where none is named; return its item.

    ``None`` where there is nothing to take back: no decision, or one that a verdict stands on.
    """
    query = (
        select(sample_items.c.id, sample_items.c.item)
        .join(sample_decisions, sample_decisions.c.item == sample_items.c.id)
        .where(
            sample_items.c.sample == sample,
            sample_items.c.verdict.is_(None),
            sample_decisions.c.reviewer == reviewer,
        )
        .order_by(sample_decisions.c.decided_at.desc(), sample_items.c.number.desc())
        .limit(1)
    )
    if item is not None:
        query = query.where(sample_items.c.item == item)
    row = conn.execute(query).one_or_none()
    if row is None:
        return None
    mine = and_(sample_decisions.c.item == row.id, sample_decisions.c.reviewer == reviewer)
    conn.execute(sql_delete(sample_decisions).where(mine))
    return str(row.item)


def adjudicate(conn: Connection, sample: str, item: str, verdict: str, *, by: str) -> bool:
    """Note what holds of an item that two disagree on; ``False`` where they do not."""
    id_ = _item_id(sample, item)
    said = select(func.count(sample_decisions.c.decision.distinct())).where(
        sample_decisions.c.item == id_
    )
    query = (
        update(sample_items)
        .where(sample_items.c.id == id_, said.scalar_subquery() > 1)
        .values(verdict=verdict, verdict_by=by, verdict_at=now())
    )
    return conn.execute(query).rowcount == 1


def judged(conn: Connection, sample: str) -> list[JudgedItem]:
    """Return all items, with what was said of each."""
    said: dict[str, dict[str, str]] = {}
    decisions = (
        select(sample_decisions)
        .join(sample_items, sample_items.c.id == sample_decisions.c.item)
        .where(sample_items.c.sample == sample)
    )
    for row in conn.execute(decisions):
        said.setdefault(row.item, {})[row.reviewer] = row.decision
    columns = [column for column in sample_items.c if column.name not in {"text", "text_key"}]
    query = select(*columns).where(sample_items.c.sample == sample).order_by(sample_items.c.number)
    return [
        JudgedItem(
            **_facts(row),
            number=row.number,
            stratum=row.stratum,
            row=row.row,
            decisions=said.get(row.id, {}),
            verdict=row.verdict,
            verdict_by=row.verdict_by,
        )
        for row in conn.execute(query)
    ]


_FACTS = ("item", "report_id", "accession", "study_date", "path", "line")


def _item_id(sample: str, item: str) -> str:
    return f"{sample} {item}"


def _join(conn: Connection, sample: str, reviewer: str) -> None:
    """Make somebody a reviewer of a sample, if he is none yet."""
    conn.execute(select(samples.c.id).where(samples.c.id == sample).with_for_update())
    query = select(sample_reviewers.c.reviewer).where(sample_reviewers.c.sample == sample)
    known = list(conn.execute(query).scalars())
    if reviewer in known:
        return
    if len(known) == MAX_REVIEWERS:
        raise ReviewersFullError(sample)
    conn.execute(
        insert(sample_reviewers).values(sample=sample, reviewer=reviewer, number=len(known) + 1)
    )


def _seen(sample: str, reviewer: str) -> Any:
    """Select what a reviewer may see of items before he decides; the text comes apart."""
    mine = and_(
        sample_decisions.c.item == sample_items.c.id, sample_decisions.c.reviewer == reviewer
    )
    columns = [sample_items.c[name] for name in ("id", "number", *_FACTS)]
    return (
        select(*columns, sample_decisions.c.decision)
        .select_from(sample_items.outerjoin(sample_decisions, mine))
        .where(sample_items.c.sample == sample)
    )


def _one(conn: Connection, query: Any, *, include_text: bool) -> StoredItem | None:
    if include_text:
        query = query.add_columns(sample_items.c.text, sample_items.c.text_key)
    row = conn.execute(query).one_or_none()
    if row is None:
        return None
    text = None
    if include_text and row.text is not None:
        text = decode_text(sealer_of(conn).open_item(row.id, row.text, row.text_key))
    return _item(row, text)


def _item(row: AnyRow, text: str | None = None) -> StoredItem:
    return StoredItem(**_facts(row), number=row.number, decision=row.decision, text=text)


def _facts(row: AnyRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _FACTS}


def _load(conn: Connection, query: Any) -> list[StoredSample]:
    rows = conn.execute(query).all()
    decided: dict[str, dict[str, int]] = {}
    mine = and_(
        sample_items.c.sample == sample_reviewers.c.sample,
        sample_items.c.id == sample_decisions.c.item,
    )
    counts = (
        select(sample_reviewers.c.sample, sample_reviewers.c.reviewer, func.count())
        .join(sample_decisions, sample_decisions.c.reviewer == sample_reviewers.c.reviewer)
        .join(sample_items, mine)
        .where(sample_reviewers.c.sample.in_([row.id for row in rows]))
        .group_by(sample_reviewers.c.sample, sample_reviewers.c.reviewer, sample_reviewers.c.number)
        .order_by(sample_reviewers.c.number)
    )
    for sample, reviewer, number in conn.execute(counts):
        decided.setdefault(sample, {})[reviewer] = number
    return [
        StoredSample(
            id=row.id,
            audit=row.audit,
            patterns_digest=row.patterns_digest,
            seed=row.seed,
            totals=json.loads(row.totals),
            items=row.items,
            has_texts=row.has_texts,
            drawn_by=row.drawn_by,
            created_at=row.created_at,
            decided=decided.get(row.id, {}),
        )
        for row in rows
    ]
