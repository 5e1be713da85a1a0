"""Samples of audits that people judge, and what they say."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_DECISIONS = "decision IN ('case', 'no_case', 'unclear')"


def upgrade() -> None:
    op.create_table(
        "samples",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("audit", sa.Text(), nullable=False),
        sa.Column("patterns_digest", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("totals", sa.Text(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("has_texts", sa.Boolean(), nullable=False),
        sa.Column("drawn_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["audit"], ["audits.id"], name=op.f("fk_samples_audit"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_samples")),
    )
    op.create_index("ix_samples_audit", "samples", ["audit", "id"])
    op.create_table(
        "sample_items",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sample", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("stratum", sa.Text(), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("report_id", sa.Text(), nullable=True),
        sa.Column("accession", sa.Text(), nullable=True),
        sa.Column("study_date", sa.Text(), nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=True),
        sa.Column("text_key", sa.Text(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("verdict_by", sa.Text(), nullable=True),
        sa.Column("verdict_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            f"verdict IS NULL OR {_DECISIONS.replace('decision', 'verdict')}",
            name=op.f("ck_sample_items_verdict_known"),
        ),
        sa.ForeignKeyConstraint(
            ["sample"], ["samples.id"], name=op.f("fk_sample_items_sample"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample_items")),
    )
    op.create_index("ix_sample_items_sample", "sample_items", ["sample", "number"], unique=True)
    sealed = sa.text("text_key IS NOT NULL")
    op.create_index(
        "ix_sample_items_text_key",
        "sample_items",
        ["text_key"],
        sqlite_where=sealed,
        postgresql_where=sealed,
    )
    op.create_table(
        "sample_reviewers",
        sa.Column("sample", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.CheckConstraint("number IN (1, 2)", name=op.f("ck_sample_reviewers_two")),
        sa.ForeignKeyConstraint(
            ["sample"], ["samples.id"], name=op.f("fk_sample_reviewers_sample"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sample", "reviewer", name=op.f("pk_sample_reviewers")),
    )
    op.create_index(
        "ix_sample_reviewers_number", "sample_reviewers", ["sample", "number"], unique=True
    )
    op.create_table(
        "sample_decisions",
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(_DECISIONS, name=op.f("ck_sample_decisions_decision_known")),
        sa.ForeignKeyConstraint(
            ["item"], ["sample_items.id"], name=op.f("fk_sample_decisions_item"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("item", "reviewer", name=op.f("pk_sample_decisions")),
    )


def downgrade() -> None:
    op.drop_table("sample_decisions")
    op.drop_table("sample_reviewers")
    op.drop_table("sample_items")
    op.drop_table("samples")
