"""Audits of archives: what was asked for, its shards, and its units of work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audits",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("upload", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("rows_read", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=True),
        sa.Column("duplicates", sa.BigInteger(), nullable=True),
        sa.Column("superseded", sa.BigInteger(), nullable=True),
        sa.Column("planned", sa.BigInteger(), nullable=True),
        sa.Column("passed_over", sa.BigInteger(), nullable=True),
        sa.Column("shards", sa.Integer(), nullable=True),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column("plan_files", sa.Text(), nullable=True),
        sa.Column("output_files", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("planned_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("is_swept", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'planning', 'extracting', 'finishing', "
            "'done', 'failed', 'cancelled', 'deleted')",
            name=op.f("ck_audits_state_known"),
        ),
        sa.CheckConstraint(
            "(state = 'failed') = (error_code IS NOT NULL)",
            name=op.f("ck_audits_failed_with_code"),
        ),
        sa.CheckConstraint(
            "(upload IS NULL) <> (source IS NULL)", name=op.f("ck_audits_one_archive")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audits")),
    )
    unswept = sa.column("is_swept", sa.Boolean()).is_(False)
    op.create_index(
        "ix_audits_unswept", "audits", ["state"], sqlite_where=unswept, postgresql_where=unswept
    )
    op.add_column("work", sa.Column("audit", sa.Text(), nullable=True))
    op.create_index("ix_work_audit", "work", ["audit"])
    op.create_table(
        "audit_shards",
        sa.Column("audit", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("work_id", _ROW_ID, nullable=True),
        sa.Column("files", sa.Text(), nullable=True),
        sa.Column("failed", sa.Integer(), nullable=True),
        sa.Column("cases", sa.Integer(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("begun_row", sa.BigInteger(), nullable=True),
        sa.Column("deaths", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["audit"], ["audits.id"], name=op.f("fk_audit_shards_audit"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["work_id"], ["work.id"], name=op.f("fk_audit_shards_work_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("audit", "number", name=op.f("pk_audit_shards")),
    )
    op.create_index("ix_audit_shards_work", "audit_shards", ["work_id"])


def downgrade() -> None:
    op.drop_table("audit_shards")
    op.drop_index("ix_work_audit", "work")
    # The older version knows units of reports only.
    op.execute("DELETE FROM work WHERE kind <> 'reports'")
    op.drop_column("work", "audit")
    op.drop_table("audits")
