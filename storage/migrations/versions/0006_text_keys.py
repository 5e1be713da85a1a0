"""By which key the texts of reports and their results are sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.errors import TextKeyError

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    sealed = sa.column("text_key", sa.Text()).is_not(None)
    for table in ("reports", "results"):
        op.add_column(table, sa.Column("text_key", sa.Text(), nullable=True))
        op.create_index(
            f"ix_{table}_text_key",
            table,
            ["text_key"],
            sqlite_where=sealed,
            postgresql_where=sealed,
        )


def downgrade() -> None:
    for table in ("reports", "results"):
        text_key: sa.ColumnClause[str] = sa.column("text_key")
        query = sa.select(text_key).select_from(sa.table(table)).where(text_key.is_not(None))
        if op.get_bind().execute(query.limit(1)).first() is not None:
            # The older version would take what is sealed for the text itself.
            raise TextKeyError(
                "texts are sealed, which the older version cannot open: turn it off first, "
                "see docs/how-to/encryption.md"
            )
    for table in ("reports", "results"):
        op.drop_index(f"ix_{table}_text_key", table)
        op.drop_column(table, "text_key")
