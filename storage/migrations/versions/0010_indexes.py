"""Indexes of what operators ask for, and of the numbers beside the filters of lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_FAILED = sa.text("state = 'failed'")
_QUARANTINED = sa.text("state = 'quarantined'")


def upgrade() -> None:
    op.create_index(
        "ix_reports_failed",
        "reports",
        ["error_code", "id"],
        sqlite_where=_FAILED,
        postgresql_where=_FAILED,
    )
    op.create_index(
        "ix_work_quarantined",
        "work",
        ["id"],
        sqlite_where=_QUARANTINED,
        postgresql_where=_QUARANTINED,
    )
    op.create_index("ix_reports_state", "reports", ["state"])
    op.drop_index("ix_reports_study_date", "reports")
    op.create_index("ix_reports_study_date", "reports", ["study_date", "state", "id"])


def downgrade() -> None:
    op.drop_index("ix_reports_study_date", "reports")
    op.create_index("ix_reports_study_date", "reports", ["study_date"])
    op.drop_index("ix_reports_state", "reports")
    op.drop_index("ix_work_quarantined", "work")
    op.drop_index("ix_reports_failed", "reports")
