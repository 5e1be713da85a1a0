"""Uploads that come in pieces, and how many reports an audit left out by their day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("audit", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "received >= 0 AND received <= bytes", name=op.f("ck_uploads_received_within")
        ),
        sa.ForeignKeyConstraint(
            ["audit"], ["audits.id"], name=op.f("fk_uploads_audit"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index("ix_uploads_audit", "uploads", ["audit"], unique=True)
    op.create_table(
        "upload_pieces",
        sa.Column("upload", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload"], ["uploads.id"], name=op.f("fk_upload_pieces_upload"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("upload", "at", name=op.f("pk_upload_pieces")),
    )
    op.add_column("audits", sa.Column("undesired", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("audits", "undesired")
    op.drop_table("upload_pieces")
    op.drop_index("ix_uploads_audit", "uploads")
    op.drop_table("uploads")
