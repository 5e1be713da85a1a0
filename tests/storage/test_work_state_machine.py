"""Whatever workers and dispatchers do, in whatever order: no report is lost or counted twice."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from storage import reports, work
from storage.database import Database
from storage.errors import FencedError
from storage.model import Claim, Lane, NewReport, ReportFilters, ReportState
from storage.outcomes import Outcome
from storage.tombstones import Deletion, Reason
from tests.results import make_result

DELETION = Deletion(Reason.REQUEST, by="key:k1")
FINAL = {ReportState.DONE, ReportState.FAILED}


class Queue(RuleBasedStateMachine):
    """Accept, claim, finish, lose, reclaim, split and delete, in any order."""

    claims: Bundle[Claim] = Bundle("claims")

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.database = Database(f"sqlite:///{Path(self.folder.name) / 'db'}")
        self.database.upgrade()
        self.posted = 0
        self.deleted = 0
        self.final: dict[str, ReportState] = {}

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.dispose()
            self.folder.cleanup()

    def open_units(self) -> list[int]:
        with self.database.read() as conn:
            return [unit.work_id for unit in work.ring_due(conn, older_than_s=-1, limit=1_000)]

    @rule(count=st.integers(1, 5), lane=st.sampled_from(Lane))
    def accept(self, count: int, lane: Lane) -> None:
        posted = [NewReport(text=f"report {self.posted + number}") for number in range(count)]
        self.posted += count
        with self.database.begin() as conn:
            reports.accept(conn, posted, lane=lane)

    @rule(target=claims, pick=st.integers(0, 100), lease_s=st.sampled_from([-1.0, 60.0]))
    def claim(self, pick: int, lease_s: float) -> Claim | MultipleResults[Claim]:
        units = self.open_units()
        if not units:
            return multiple()
        with self.database.begin() as conn:
            held = work.claim(conn, units[pick % len(units)], lease_s=lease_s)
        assert held is not None
        return held

    @rule(held=claims, fails=st.booleans(), leaves=st.integers(0, 2))
    def finish(self, held: Claim, *, fails: bool, leaves: int) -> None:
        with self.database.read() as conn:
            queued = reports.load_texts(conn, held.work_id)
        read = queued[: max(0, len(queued) - leaves)]
        outcomes = [
            Outcome.failed(one.id, "timeout") if fails else Outcome.done(one.id, make_result())
            for one in read
        ]
        try:
            with self.database.begin() as conn:
                work.finish(conn, held, outcomes)
        except FencedError:
            return

    @rule()
    def reclaim(self) -> None:
        with self.database.begin() as conn:
            work.reclaim_expired(conn)
            for work_id in work.worn_out(conn):
                work.split_or_quarantine(conn, work_id)

    @rule(pick=st.integers(0, 100))
    def delete(self, pick: int) -> None:
        with self.database.begin() as conn:
            stored = reports.list_page(conn, ReportFilters(), limit=1_000).reports
            if stored:
                assert reports.delete(conn, stored[pick % len(stored)].id, DELETION)
                self.deleted += 1

    @invariant()
    def all_are_accounted_for(self) -> None:
        with self.database.read() as conn:
            sums = work.reconcile(conn)
        assert sums.balanced
        assert sums.accepted == self.posted
        assert sums.deleted == self.deleted

    @invariant()
    def a_final_state_stays(self) -> None:
        with self.database.read() as conn:
            stored = reports.list_page(conn, ReportFilters(), limit=1_000).reports
        for report in stored:
            assert self.final.get(report.id, report.state) is report.state
            if report.state in FINAL:
                self.final[report.id] = report.state


Queue.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestQueue = Queue.TestCase
