"""An archive audit as pure steps over files: plan, run shards, link, summarise, render.

``run_audit`` runs all of them on this machine. The steps themselves (``audits.plan``,
``audits.shard``, ``audits.steps``) are what workers on other machines call. Importing this package
does not import polars: see ``audits.processes``.
"""

from audits.errors import AuditChangedError, AuditError, OutputInUseError, WorkersFailedError
from audits.layout import Layout
from audits.model import AuditArguments, Focus, Plan, ShardCounts
from audits.run import AuditOutcome, Watcher, run_audit

__all__ = [
    "AuditArguments",
    "AuditChangedError",
    "AuditError",
    "AuditOutcome",
    "Focus",
    "Layout",
    "OutputInUseError",
    "Plan",
    "ShardCounts",
    "Watcher",
    "WorkersFailedError",
    "run_audit",
]
