"""Find an audit, stop it, delete it: what the API and the pages do alike."""

from __future__ import annotations

from api.problems import Code, Problem
from api.service import Service
from storage import audits
from storage.audit_model import AuditState, StoredAudit
from storage.sweeping import sweep


def load(service: Service, id_: str) -> StoredAudit:
    """Return an audit, or raise Problem."""
    # What is none of ours need not reach the database, which refuses NUL with an error.
    if id_.startswith("aud_") and id_.isascii() and id_.isprintable():
        with service.database.read() as conn:
            audit = audits.get(conn, id_)
        if audit is not None:
            return audit
    raise Problem(Code.AUDIT_NOT_FOUND, "No audit has this id; it may have been deleted.")


def cancel(service: Service, id_: str) -> StoredAudit:
    """Stop an audit for good, and return it; once more is fine. Raises Problem."""
    before = load(service, id_)
    with service.database.begin() as conn:
        is_cancelled = audits.cancel(conn, before.id)
    after = load(service, id_)
    if not is_cancelled and after.state is not AuditState.CANCELLED:
        raise Problem(Code.AUDIT_OVER, "It is done or failed; DELETE removes it with its results.")
    return after


def delete(service: Service, id_: str) -> None:
    """Delete an audit with its archive and its results. Raises Problem."""
    audit = load(service, id_)
    with service.database.begin() as conn:
        audits.delete(conn, audit.id)
    sweep(service.database, service.files)
