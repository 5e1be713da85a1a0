"""Judge the reports of a sample, decide between two reviewers, and weigh what was said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.audit_states import load
from api.callers import Caller
from api.problems import Code, Problem
from api.scopes import Scope
from api.security import may
from api.service import Service
from audits.review_file import Decision
from storage import samples
from storage.errors import ReviewersFullError
from storage.samples import JudgedItem, StoredItem, StoredSample

if TYPE_CHECKING:
    from audits.validation import Validation

_SAMPLE_ID = re.compile(r"smp_[0-9a-z]{26}")
_ITEM = re.compile(r"V\d{4,6}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Desk:
    """One sample and one person at it."""

    service: Service
    sample: StoredSample
    reviewer: Caller

    @property
    def decided(self) -> int:
        """How many reports this reviewer has judged."""
        return self.sample.decided.get(self.reviewer.label, 0)

    @property
    def may_judge(self) -> bool:
        """Whether he is one of the two, or can become one."""
        known = self.sample.decided
        return self.reviewer.label in known or len(known) < samples.MAX_REVIEWERS

    @property
    def reads_text(self) -> bool:
        """Whether words of reports may be shown to him."""
        return may(self.reviewer, Scope.TEXT_READ)

    def items(self) -> list[StoredItem]:
        """Return all reports with his own decisions."""
        with self.service.database.read() as conn:
            return samples.items(conn, self.sample.id, self.reviewer.label)

    def item(self, name: str) -> StoredItem:
        """Return one report, with its words if he may read them. Raises Problem."""
        found = None
        if _ITEM.fullmatch(name):
            with self.service.database.read() as conn:
                found = samples.get_item(
                    conn, self.sample.id, name, self.reviewer.label, include_text=self.reads_text
                )
        if found is None:
            raise Problem(Code.ITEM_NOT_FOUND, "The sample lists its items.")
        return found

    def following(self, after: int = 0) -> StoredItem | None:
        """Return the next report that he has not judged, behind a place in the sample."""
        with self.service.database.read() as conn:
            return samples.next_item(
                conn,
                self.sample.id,
                self.reviewer.label,
                after=after,
                include_text=self.reads_text,
            )

    def decide(self, name: str, decision: Decision) -> StoredItem:
        """Note what he says of a report. Raises Problem."""
        self.item(name)
        try:
            with self.service.database.begin() as conn:
                is_noted = samples.decide(
                    conn,
                    self.sample.id,
                    name,
                    reviewer=self.reviewer.label,
                    decision=str(decision),
                )
        except ReviewersFullError:
            raise Problem(
                Code.REVIEWERS_FULL, "Agreement is told of two; draw another sample."
            ) from None
        if not is_noted:
            raise _stands()
        return self.item(name)

    def take_back(self, name: str) -> None:
        """Take back what he said of a report. Raises Problem."""
        self.item(name)
        with self.service.database.begin() as conn:
            samples.take_back(conn, self.sample.id, self.reviewer.label, name)
        if self.item(name).decision is not None:
            raise _stands()

    def undo(self) -> str | None:
        """Take back his last decision; return of which report."""
        with self.service.database.begin() as conn:
            return samples.take_back(conn, self.sample.id, self.reviewer.label)

    def adjudicate(self, name: str, verdict: Decision) -> None:
        """Decide between two who disagree on a report. Raises Problem."""
        self.item(name)
        with self.service.database.begin() as conn:
            is_noted = samples.adjudicate(
                conn, self.sample.id, name, str(verdict), by=self.reviewer.label
            )
        if not is_noted:
            raise Problem(Code.NOT_DISPUTED, "Both say the same, or one has yet to decide.")

    def disagreements(self) -> list[JudgedItem]:
        """Return the reports that two judged differently."""
        with self.service.database.read() as conn:
            return [one for one in samples.judged(conn, self.sample.id) if one.is_disputed]


def desk(service: Service, audit: str, sample: str, key: Caller) -> Desk:
    """Return a sample for somebody. Raises Problem."""
    return Desk(service, load_sample(service, audit, sample), key)


def load_sample(service: Service, audit: str, id_: str) -> StoredSample:
    """Return a sample of an audit. Raises Problem."""
    load(service, audit)
    found = None
    if _SAMPLE_ID.fullmatch(id_):
        with service.database.read() as conn:
            found = samples.get(conn, id_, audit=audit)
    if found is None:
        raise Problem(Code.SAMPLE_NOT_FOUND, "The audit has no sample of this id.")
    return found


def weigh(service: Service, sample: StoredSample, *, width: float) -> Validation:
    """Return what the decisions say of the audit so far."""
    from audits.sampling import Item, Sample, Stratum  # noqa: PLC0415 (polars: who asks for it)
    from audits.validation import validate  # noqa: PLC0415 (as above)

    with service.database.read() as conn:
        judged = samples.judged(conn, sample.id)
    drawn = Sample(
        sample.patterns_digest,
        sample.seed,
        {Stratum(name): number for name, number in sample.totals.items()},
        tuple(
            Item(
                item=one.item,
                stratum=Stratum(one.stratum),
                row=one.row,
                report_id=one.report_id or "",
                accession=one.accession,
                study_date=one.study_date,
                path=one.path,
                line=one.line,
            )
            for one in judged
        ),
    )
    reviews = [
        {one.item: Decision(one.decisions[reviewer]) for one in judged if reviewer in one.decisions}
        for reviewer in sample.decided
    ]
    verdicts = {
        one.item: Decision(one.verdict)
        for one in judged
        if one.verdict is not None and one.is_disputed
    }
    return validate(drawn, reviews, verdicts=verdicts, width=width)


def _stands() -> Problem:
    return Problem(Code.VERDICT_STANDS, "What was said before it stays as it is.")
