"""The dispatcher: a small loop that brings back what got lost. Safe with several, or with none.

Every half second: units of dead processes and ended leases wait again, units that failed too
often are split or their report is marked failed, the bell is rung for what waits, and files that
no audit needs any more are removed. Once a minute it checks that no report is missing, forgets
answers to repeated requests that are old, and deletes what the settings no longer keep.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from storage import idempotency, steps, sums, work
from storage.files import open_files
from storage.model import Lane, Lease, WorkState
from storage.sweeping import expire_uploads, remove_orphans, sweep
from workers.holder import is_dead
from workers.logs import get_logger
from workers.retention import Retention
from workers.scratch import tidy

if TYPE_CHECKING:
    import threading

    from storage.database import Database
    from storage.model import DueUnit
    from workers.bell import Bell
    from workers.settings import WorkerSettings

RECONCILE_EVERY_S = 60
SAY_AGAIN_S = 60
"""A fault that lasts is logged once in this time."""
log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pass:
    """What one turn of the loop did, in units of work."""

    reclaimed: int = 0
    split: int = 0
    quarantined: int = 0
    rung: int = 0


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What a look at the queue found to do."""

    lost: tuple[Lease, ...]
    has_expired: bool
    worn_out: tuple[int, ...]
    worn_out_steps: tuple[int, ...]


class Dispatcher:
    """One dispatcher on a database and a bell."""

    def __init__(self, database: Database, bell: Bell, settings: WorkerSettings) -> None:
        self._database = database
        self._bell = bell
        self._settings = settings
        self._files = open_files(settings)
        self._retention = Retention(database, settings)
        self._said: dict[str, float] = {}
        self._reconciled = 0.0

    def run(self, stop: threading.Event) -> None:
        """Turn until ``stop`` is set; whatever goes wrong is tried again at the next turn."""
        while not stop.is_set():
            try:
                self.turn()
                sweep(self._database, self._files)
                self._tidy_now_and_then()
            except Exception as error:  # noqa: BLE001 (an edge: the loop must go on)
                self._complain("dispatch_failed", error=error)
            stop.wait(self._settings.dispatch_every_s)

    def turn(self) -> Pass:
        """Look once, and do what there is to do."""
        trouble = self._look()
        reclaimed = self._reclaim(trouble)
        # What was just reclaimed may be worn out by that.
        trouble = self._look() if reclaimed else trouble
        states = [self._split(work_id) for work_id in trouble.worn_out]
        states += [self._give_up(work_id) for work_id in trouble.worn_out_steps]
        done = Pass(
            reclaimed=reclaimed,
            split=states.count(WorkState.SPLIT),
            quarantined=states.count(WorkState.QUARANTINED),
            rung=self._ring(),
        )
        if done.reclaimed or done.split or done.quarantined:
            log.warning(
                "work_recovered",
                reclaimed=done.reclaimed,
                split=done.split,
                quarantined=done.quarantined,
            )
        return done

    def _look(self) -> _Trouble:
        """Read what is wrong; reading disturbs nobody, a writing transaction would, in SQLite."""
        with self._database.read() as conn:
            held = work.leases(conn)
            has_expired = work.expired(conn)
            worn_out, worn_out_steps = work.worn_out(conn), steps.worn_out(conn)
        return _Trouble(
            lost=tuple(lease for lease in held if is_dead(lease.holder)),
            has_expired=has_expired,
            worn_out=tuple(worn_out),
            worn_out_steps=tuple(worn_out_steps),
        )

    def _reclaim(self, trouble: _Trouble) -> int:
        if not trouble.lost and not trouble.has_expired:
            return 0
        with self._database.begin() as conn:
            return work.expire(conn, trouble.lost) + work.reclaim_expired(conn)

    def _split(self, work_id: int) -> WorkState | None:
        with self._database.begin() as conn:
            state = work.split_or_quarantine(conn, work_id)
        if state is not None:
            log.warning("work_worn_out", work=work_id, ending=state.value)
        return state

    def _give_up(self, work_id: int) -> WorkState | None:
        with self._database.begin() as conn:
            state = steps.give_up(conn, work_id)
        if state is not None:
            log.warning("work_worn_out", work=work_id, ending=state.value)
        return state

    def _ring(self) -> int:
        """Ring for what waits, while there are few bells in Redis; return for how many."""
        with self._database.read() as conn:
            due = work.ring_due(
                conn,
                older_than_s=self._settings.ring_again_s,
                limit=self._settings.bells_at_most * len(Lane),
            )
        if not due:
            return 0
        rung = [unit.work_id for lane in Lane for unit in self._ring_lane(lane, due)]
        if rung:
            with self._database.begin() as conn:
                work.mark_rung(conn, rung)
        return len(rung)

    def _ring_lane(self, lane: Lane, due: list[DueUnit]) -> list[DueUnit]:
        waiting = self._bell.waiting(lane)
        if waiting is None:
            self._complain("redis_unavailable")
            return []
        room = max(0, self._settings.bells_at_most - waiting)
        wanted = [unit for unit in due if unit.lane is lane][:room]
        return [unit for unit in wanted if self._bell.ring(unit.work_id, lane, unit.kind)]

    def _tidy_now_and_then(self) -> None:
        if time.monotonic() - self._reconciled < RECONCILE_EVERY_S:
            return
        self._reconciled = time.monotonic()
        tidy(self._files.scratch)
        expire_uploads(self._database, self._files)
        remove_orphans(self._database, self._files)
        self._retention.apply()
        with self._database.begin() as conn:
            idempotency.forget_old(conn)
        self._reconcile()

    def _reconcile(self) -> None:
        """Count where all reports are, keep it for who asks, and raise the alarm."""
        with self._database.read() as conn:
            counted = work.reconcile(conn)
        with self._database.begin() as conn:
            sums.keep(conn, counted)
        if not counted.balanced:
            log.critical("reports_do_not_add_up", **asdict(counted))

    def _complain(self, event: str, *, error: Exception | None = None) -> None:
        said = self._said.get(event)
        if said is None or time.monotonic() - said > SAY_AGAIN_S:
            self._said[event] = time.monotonic()
            log.warning(event, error=error)
