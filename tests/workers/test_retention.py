from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError
from sqlalchemy import update

from storage import audits, retention, tombstones, work
from storage.audit_model import NewAudit
from storage.clock import now
from storage.ids import new_id
from storage.tables import audits as audits_table
from storage.tables import reports
from storage.tombstones import Reason
from workers.retention import Retention
from workers.settings import WorkerSettings

if TYPE_CHECKING:
    import io

    from tests.workers.services import Service

HUNDRED_DAYS_S = 100 * 24 * 3_600


def apply(service: Service, **settings: int) -> None:
    Retention(service.database, WorkerSettings.model_validate(settings)).apply()


def final_since(service: Service, *texts: str, seconds: float) -> list[str]:
    ids = [one.id for one in service.accept(*texts)]
    with service.database.begin() as conn:
        values = {"accepted_at": now(offset_s=-seconds), "finished_at": now()}
        conn.execute(
            update(reports).where(reports.c.id.in_(ids)).values(state="cancelled", **values)
        )
    return ids


@pytest.fixture(autouse=True)
def _any_id_may_be_old(monkeypatch: pytest.MonkeyPatch) -> None:
    # Ids are made now, and tell it; a test cannot wait for a hundred days.
    monkeypatch.setattr(retention, "first_id", lambda prefix, _: f"{prefix}_z")


def test_by_default_everything_is_kept(service: Service) -> None:
    final_since(service, "one", seconds=HUNDRED_DAYS_S)
    apply(service)
    assert service.sums().deleted == 0


def test_what_is_older_than_the_setting_is_deleted(service: Service, stream: io.StringIO) -> None:
    [old] = final_since(service, "ZZPHI old", seconds=HUNDRED_DAYS_S)
    final_since(service, "new", seconds=0)
    apply(service, keep_reports_days=90)
    sums = service.sums()
    assert (sums.accepted, sums.deleted, sums.cancelled) == (2, 1, 1)
    assert sums.balanced
    with service.database.read() as conn:
        found = tombstones.get(conn, old)
    assert found is not None
    assert (found.reason, found.deleted_by) == (Reason.RETENTION, "dispatcher")
    assert '"event": "reports_deleted"' in stream.getvalue()
    assert "ZZPHI" not in stream.getvalue()


def test_what_waits_is_kept_however_old(service: Service) -> None:
    [one] = service.accept("one")
    with service.database.begin() as conn:
        conn.execute(update(reports).values(accepted_at=now(offset_s=-HUNDRED_DAYS_S)))
    apply(service, keep_reports_days=1)
    with service.database.read() as conn:
        assert work.reconcile(conn).open == 1
        assert tombstones.get(conn, one.id) is None


def test_audits_that_ended_long_ago_are_deleted(service: Service) -> None:
    id_ = new_id("aud")
    with service.database.begin() as conn:
        audits.create(conn, NewAudit(id_, "a.csv", upload="x"))
        audits.cancel(conn, id_)
        conn.execute(update(audits_table).values(finished_at=now(offset_s=-HUNDRED_DAYS_S)))
    apply(service, keep_reports_days=30)
    with service.database.read() as conn:
        assert audits.get(conn, id_) is not None
    apply(service, keep_audits_days=90)
    with service.database.read() as conn:
        assert audits.get(conn, id_) is None


@pytest.mark.parametrize("days", [0, -1])
def test_keeping_for_no_time_is_refused(days: int) -> None:
    with pytest.raises(ValidationError):
        WorkerSettings.model_validate({"keep_reports_days": days})
