"""The access log, which can only be appended to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_GENESIS = "0" * 64
_REFUSAL = "the access log is append-only"
_KEPT_MS = 30 * 24 * 3_600_000
"""Entries that are younger cannot be deleted. Triggers do not bind who owns the tables and means
to change them: the chain of hashes, and a head of it that is kept elsewhere, show that he did."""

_SQLITE_CLOCK = "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"
_START = "SELECT start_seq FROM access_log_head"
_SQLITE = [
    # name, when, on which rows; REPLACE deletes without asking the trigger for deletions.
    ("access_log_change", "UPDATE ON access_log", ""),
    (
        "access_log_delete",
        "DELETE ON access_log",
        f"WHEN OLD.at > {_SQLITE_CLOCK} - {_KEPT_MS} OR OLD.seq > ({_START})",
    ),
    (
        "access_log_insert",
        "INSERT ON access_log",
        "WHEN NEW.seq <= (SELECT max(seq) FROM access_log)",
    ),
    ("access_log_head_delete", "DELETE ON access_log_head", ""),
    ("access_log_head_insert", "INSERT ON access_log_head", ""),
    (
        "access_log_head_change",
        "UPDATE ON access_log_head",
        "WHEN NEW.seq < OLD.seq OR NEW.start_seq < OLD.start_seq OR NEW.start_seq > NEW.seq",
    ),
]
_POSTGRESQL_CLOCK = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
_POSTGRESQL = f"""
CREATE FUNCTION access_log_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{_REFUSAL}';
END $$;
CREATE FUNCTION access_log_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.at > {_POSTGRESQL_CLOCK} - {_KEPT_MS}
            OR OLD.seq > ({_START}) THEN
        RAISE EXCEPTION '{_REFUSAL}';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER access_log_change BEFORE UPDATE ON access_log
    FOR EACH ROW EXECUTE FUNCTION access_log_refuse();
CREATE TRIGGER access_log_delete BEFORE DELETE ON access_log
    FOR EACH ROW EXECUTE FUNCTION access_log_delete();
CREATE TRIGGER access_log_empty BEFORE TRUNCATE ON access_log
    FOR EACH STATEMENT EXECUTE FUNCTION access_log_refuse();
CREATE TRIGGER access_log_head_change BEFORE UPDATE ON access_log_head FOR EACH ROW
    WHEN (NEW.seq < OLD.seq OR NEW.start_seq < OLD.start_seq OR NEW.start_seq > NEW.seq)
    EXECUTE FUNCTION access_log_refuse();
CREATE TRIGGER access_log_head_delete BEFORE INSERT OR DELETE ON access_log_head
    FOR EACH ROW EXECUTE FUNCTION access_log_refuse();
CREATE TRIGGER access_log_head_empty BEFORE TRUNCATE ON access_log_head
    FOR EACH STATEMENT EXECUTE FUNCTION access_log_refuse();
"""


def upgrade() -> None:
    op.create_table(
        "access_log",
        sa.Column("seq", _ROW_ID, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=True),
        sa.Column("peer", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("route", sa.Text(), nullable=True),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("items", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_access_log")),
    )
    op.create_index("ix_access_log_at", "access_log", ["at"])
    op.create_index("ix_access_log_action", "access_log", ["action", "seq"])
    targeted = sa.column("target").is_not(None)
    op.create_index(
        "ix_access_log_target",
        "access_log",
        ["target", "seq"],
        sqlite_where=targeted,
        postgresql_where=targeted,
    )
    head = op.create_table(
        "access_log_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", _ROW_ID, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("start_seq", _ROW_ID, nullable=False),
        sa.Column("start_hash", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_access_log_head_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_log_head")),
    )
    row = {"id": 1, "seq": 0, "hash": _GENESIS, "start_seq": 0, "start_hash": _GENESIS}
    op.bulk_insert(head, [row])
    if op.get_bind().dialect.name == "sqlite":
        for name, event, condition in _SQLITE:
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {event} {condition} "
                f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            )
    else:
        op.execute(sa.text(_POSTGRESQL))


def downgrade() -> None:
    op.drop_table("access_log")
    op.drop_table("access_log_head")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION access_log_refuse, access_log_delete")
