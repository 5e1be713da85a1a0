"""Reports and their results, the work queue, keys, remembered requests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "idempotency",
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("principal", "route", "key", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("secret_hmac", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
    )
    op.create_table(
        "work",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("rung_at", sa.BigInteger(), nullable=True),
        sa.Column("parent_id", _ROW_ID, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(state = 'leased') = (lease_token IS NOT NULL AND lease_until IS NOT NULL)",
            name=op.f("ck_work_lease_whole"),
        ),
        sa.CheckConstraint("lane IN ('interactive', 'bulk')", name=op.f("ck_work_lane_known")),
        sa.CheckConstraint(
            "state IN ('pending', 'leased', 'done', 'split', 'quarantined')",
            name=op.f("ck_work_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["work.id"], name=op.f("fk_work_parent_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_work_open",
        "work",
        ["state", "lane", "rung_at"],
        sqlite_where=sa.text("state IN ('pending', 'leased')"),
        postgresql_where=sa.text("state IN ('pending', 'leased')"),
    )
    op.create_table(
        "reports",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("report_id", sa.Text(), nullable=True),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("text_sha256", sa.Text(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("text_chars", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("superseded_by", sa.Text(), nullable=True),
        sa.Column("patient_id", sa.Text(), nullable=True),
        sa.Column("age_years", sa.Integer(), nullable=True),
        sa.Column("sex", sa.Text(), nullable=True),
        sa.Column("pregnancy", sa.Text(), nullable=True),
        sa.Column("modality", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("study_date", sa.Date(), nullable=True),
        sa.Column("accession", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("work_id", _ROW_ID, nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(state = 'failed') = (error_code IS NOT NULL)",
            name=op.f("ck_reports_failed_with_code"),
        ),
        sa.CheckConstraint(
            "(state = 'queued') = (finished_at IS NULL)",
            name=op.f("ck_reports_finished_when_final"),
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'done', 'failed', 'cancelled')",
            name=op.f("ck_reports_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["superseded_by"],
            ["reports.id"],
            name=op.f("fk_reports_superseded_by"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["work_id"], ["work.id"], name=op.f("fk_reports_work_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint(
            "source", "series", "text_sha256", name=op.f("uq_reports_source_series_text_sha256")
        ),
    )
    op.create_index("ix_reports_study_date", "reports", ["study_date"])
    op.create_index("ix_reports_superseded_by", "reports", ["superseded_by"])
    op.create_index("ix_reports_work", "reports", ["work_id"])
    op.create_table(
        "mentions",
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("mention", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("finding", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("laterality", sa.Text(), nullable=False),
        sa.Column("experiencer", sa.Text(), nullable=False),
        sa.Column("sites", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report"], ["reports.id"], name=op.f("fk_mentions_report"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("report", "mention", name=op.f("pk_mentions")),
    )
    op.create_index("ix_mentions_finding", "mentions", ["finding", "status", "report"])
    op.create_table(
        "results",
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=True),
        sa.Column("in_scope", sa.Boolean(), nullable=False),
        sa.Column("engine_version", sa.Text(), nullable=False),
        sa.Column("patterns_version", sa.Text(), nullable=False),
        sa.Column("patterns_digest", sa.Text(), nullable=False),
        sa.Column("json", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report"], ["reports.id"], name=op.f("fk_results_report"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("report", name=op.f("pk_results")),
    )
    op.create_index("ix_results_level", "results", ["level", "report"])


def downgrade() -> None:
    for table in ("results", "mentions", "reports", "work", "keys", "idempotency"):
        op.drop_table(table)
