"""Tombstones of deleted reports; which keys texts are sealed with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.errors import DowngradeError

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tombstones",
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("deleted_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "reason IN ('request', 'purge', 'patient', 'age', 'retention')",
            name=op.f("ck_tombstones_reason_known"),
        ),
        sa.PrimaryKeyConstraint("report", name=op.f("pk_tombstones")),
    )
    op.create_table(
        "text_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_keys")),
    )


def downgrade() -> None:
    if op.get_bind().execute(sa.text("SELECT 1 FROM text_keys")).first() is not None:
        raise DowngradeError(
            "the older version cannot read sealed texts; run `marrow text-keys unseal` first"
        )
    op.drop_table("text_keys")
    op.drop_table("tombstones")
