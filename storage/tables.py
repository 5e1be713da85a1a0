"""The tables. Migrations make them; a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from storage.clock import UtcMillis

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts rows by itself only where the type is exactly INTEGER.
RowId = BigInteger().with_variant(Integer, "sqlite")

audits = Table(
    "audits",
    metadata,
    Column("id", Text, primary_key=True),
    # The file's name, as the results call it.
    Column("name", Text, nullable=False),
    # Where the archive lies: a name in the store of files, or an address under an allowed root.
    Column("upload", Text),
    Column("source", Text),
    Column("bytes", BigInteger),
    Column("arguments", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("error_code", Text),
    # What the plan found; NULL until it stands, but rows_read, which grows while it is made.
    Column("rows_read", BigInteger, nullable=False, default=0),
    Column("refused", BigInteger),
    Column("duplicates", BigInteger),
    Column("superseded", BigInteger),
    Column("planned", BigInteger),
    Column("passed_over", BigInteger),
    # Reports of other days than asked for; NULL also in audits that were planned before 0007.
    Column("undesired", BigInteger),
    Column("shards", Integer),
    # What the shards have to be read with, as JSON: arguments and engine.
    Column("identity", Text),
    # Folders in the store of files.
    Column("plan_files", Text),
    Column("output_files", Text),
    Column("summary", Text),
    Column("created_at", UtcMillis, nullable=False),
    Column("started_at", UtcMillis),
    Column("planned_at", UtcMillis),
    Column("finished_at", UtcMillis),
    # Whether the files that nobody needs any more are gone.
    Column("is_swept", Boolean, nullable=False, default=False),
    CheckConstraint(
        "state IN ('queued', 'planning', 'extracting', 'finishing', "
        "'done', 'failed', 'cancelled', 'deleted')",
        name="state_known",
    ),
    CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name="failed_with_code"),
    CheckConstraint("(upload IS NULL) <> (source IS NULL)", name="one_archive"),
)
_unswept = audits.c.is_swept.is_(False)
Index("ix_audits_unswept", audits.c.state, sqlite_where=_unswept, postgresql_where=_unswept)

uploads = Table(
    "uploads",
    metadata,
    Column("id", Text, primary_key=True),
    # The id of the API key that alone may go on with it.
    Column("owner", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    # How much has arrived and is named by pieces: where the client goes on.
    Column("received", BigInteger, nullable=False),
    Column("sha256", Text),
    # The audit that was made of it; the row goes with its files when that is over.
    Column("audit", Text, ForeignKey("audits.id", ondelete="CASCADE")),
    Column("created_at", UtcMillis, nullable=False),
    Column("expires_at", UtcMillis, nullable=False),
    CheckConstraint("received >= 0 AND received <= bytes", name="received_within"),
)
Index("ix_uploads_audit", uploads.c.audit, unique=True)

upload_pieces = Table(
    "upload_pieces",
    metadata,
    Column("upload", Text, ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("bytes", BigInteger, nullable=False),
    # Its name in the store of files.
    Column("file", Text, nullable=False),
)

work = Table(
    "work",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("lease_token", Text),
    Column("lease_until", UtcMillis),
    # Which process holds the lease, as workers.holder writes it.
    Column("holder", Text),
    Column("rung_at", UtcMillis),
    Column("parent_id", RowId, ForeignKey("work.id", ondelete="SET NULL")),
    Column("created_at", UtcMillis, nullable=False),
    Column("finished_at", UtcMillis),
    # Of which audit it is a step. No foreign key: SQLite cannot add one to a table that is there
    # without making the table anew, which would let go of all reports in it.
    Column("audit", Text),
    CheckConstraint(
        "state IN ('pending', 'leased', 'done', 'split', 'quarantined')", name="state_known"
    ),
    CheckConstraint("lane IN ('interactive', 'bulk')", name="lane_known"),
    CheckConstraint(
        "(state = 'leased') = (lease_token IS NOT NULL AND lease_until IS NOT NULL)",
        name="lease_whole",
    ),
    # Without it SQLite gives a deleted unit's number to the next one, and an old bell a new meaning.
    sqlite_autoincrement=True,
)
# The dispatcher looks for these twice a second; all other rows are history.
_open = work.c.state.in_(("pending", "leased"))
Index(
    "ix_work_open",
    work.c.state,
    work.c.lane,
    work.c.rung_at,
    sqlite_where=_open,
    postgresql_where=_open,
)

Index("ix_work_audit", work.c.audit)
_quarantined = work.c.state == "quarantined"
Index("ix_work_quarantined", work.c.id, sqlite_where=_quarantined, postgresql_where=_quarantined)

audit_shards = Table(
    "audit_shards",
    metadata,
    Column("audit", Text, ForeignKey("audits.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("reports", Integer, nullable=False),
    Column("work_id", RowId, ForeignKey("work.id", ondelete="SET NULL")),
    # The folder of its results in the store of files: what is not named here does not count.
    Column("files", Text),
    Column("failed", Integer),
    Column("cases", Integer),
    Column("finished_at", UtcMillis),
    # The row that was begun, noted only once the shard has brought processes down.
    Column("begun_row", BigInteger),
    # Rows on which processes died, with how many, as JSON.
    Column("deaths", Text, nullable=False, default="{}"),
)
Index("ix_audit_shards_work", audit_shards.c.work_id)

reports = Table(
    "reports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    # The client's own id; the columns called `report` below hold ours.
    Column("report_id", Text),
    # What makes two texts versions of one report; see storage.identity.
    Column("series", Text, nullable=False),
    Column("text_sha256", Text, nullable=False),
    # UTF-8 bytes: PostgreSQL's text type refuses NUL characters, and offsets must stay true.
    Column("text", LargeBinary, nullable=False),
    Column("text_chars", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("superseded_by", Text, ForeignKey("reports.id", ondelete="SET NULL")),
    Column("patient_id", Text),
    Column("age_years", Integer),
    Column("sex", Text),
    Column("pregnancy", Text),
    Column("modality", Text),
    Column("description", Text),
    Column("study_date", Date),
    Column("accession", Text),
    Column("state", Text, nullable=False),
    Column("error_code", Text),
    Column("work_id", RowId, ForeignKey("work.id", ondelete="SET NULL")),
    Column("accepted_at", UtcMillis, nullable=False),
    Column("finished_at", UtcMillis),
    # By which key the text is sealed, and its digest keyed (storage.sealing); NULL: both are plain.
    Column("text_key", Text),
    UniqueConstraint("source", "series", "text_sha256"),
    CheckConstraint("state IN ('queued', 'done', 'failed', 'cancelled')", name="state_known"),
    CheckConstraint("(state = 'queued') = (finished_at IS NULL)", name="finished_when_final"),
    CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name="failed_with_code"),
)
Index("ix_reports_work", reports.c.work_id)
Index("ix_reports_superseded_by", reports.c.superseded_by)
# The state and the id beside the date: reports of some years are counted without reading one.
Index("ix_reports_study_date", reports.c.study_date, reports.c.state, reports.c.id)
Index("ix_reports_state", reports.c.state)
_failed = reports.c.state == "failed"
Index(
    "ix_reports_failed",
    reports.c.error_code,
    reports.c.id,
    sqlite_where=_failed,
    postgresql_where=_failed,
)
_sealed = reports.c.text_key.is_not(None)
Index("ix_reports_text_key", reports.c.text_key, sqlite_where=_sealed, postgresql_where=_sealed)

results = Table(
    "results",
    metadata,
    Column("report", Text, ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True),
    Column("level", Text, nullable=False),
    Column("side", Text),
    Column("in_scope", Boolean, nullable=False),
    Column("engine_version", Text, nullable=False),
    Column("patterns_version", Text, nullable=False),
    Column("patterns_digest", Text, nullable=False),
    Column("json", Text, nullable=False),
    # SHA-256 of the JSON: equal for equal results, whoever computed them.
    Column("digest", Text, nullable=False),
    # As in reports, for the JSON, which is in base 64 then.
    Column("text_key", Text),
)
Index("ix_results_level", results.c.level, results.c.report)
_sealed = results.c.text_key.is_not(None)
Index("ix_results_text_key", results.c.text_key, sqlite_where=_sealed, postgresql_where=_sealed)

mentions = Table(
    "mentions",
    metadata,
    Column("report", Text, ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True),
    Column("mention", Integer, primary_key=True, autoincrement=False),
    Column("finding", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("laterality", Text, nullable=False),
    Column("experiencer", Text, nullable=False),
    # "|femoral_head|femoral_neck|", to be searched for "|femoral_neck|".
    Column("sites", Text, nullable=False),
)
Index("ix_mentions_finding", mentions.c.finding, mentions.c.status, mentions.c.report)

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    # Names of scopes with one space between them, sorted.
    Column("scopes", Text, nullable=False),
    Column("secret_hmac", Text, nullable=False),
    Column("created_at", UtcMillis, nullable=False),
    Column("expires_at", UtcMillis),
    Column("last_used_at", UtcMillis),
    Column("revoked_at", UtcMillis),
)

sessions = Table(
    "sessions",
    metadata,
    # Told to people; opens nothing.
    Column("id", Text, primary_key=True),
    Column("token_hmac", Text, nullable=False),
    # As the access log calls who signed in: "key:4f9Kq2Lz", "oidc:anna".
    Column("caller", Text, nullable=False),
    Column("name", Text, nullable=False),
    # Of who came with a key, the key's own scopes hold.
    Column("scopes", Text, nullable=False),
    Column("key", Text, ForeignKey("keys.id", ondelete="CASCADE")),
    Column("created_at", UtcMillis, nullable=False),
    Column("last_used_at", UtcMillis, nullable=False),
    Column("expires_at", UtcMillis, nullable=False),
    Column("ended_at", UtcMillis),
)
Index("ix_sessions_token", sessions.c.token_hmac, unique=True)

access_log = Table(
    "access_log",
    metadata,
    # Without gaps: given by whoever holds the head, not by the database.
    Column("seq", RowId, primary_key=True, autoincrement=False),
    Column("at", UtcMillis, nullable=False),
    Column("caller", Text),
    Column("peer", Text),
    Column("action", Text, nullable=False),
    Column("method", Text),
    Column("route", Text),
    Column("target", Text),
    Column("items", Integer),
    Column("outcome", Text, nullable=False),
    Column("status", Integer),
    Column("code", Text),
    Column("request", Text),
    Column("times", Integer, nullable=False),
    # Over all of the above and the hash of the entry before; see storage.access_model.
    Column("hash", Text, nullable=False),
)
Index("ix_access_log_at", access_log.c.at)
Index("ix_access_log_action", access_log.c.action, access_log.c.seq)
_targeted = access_log.c.target.is_not(None)
Index(
    "ix_access_log_target",
    access_log.c.target,
    access_log.c.seq,
    sqlite_where=_targeted,
    postgresql_where=_targeted,
)

# One row: the last entry of the log, and where what is kept of it begins.
access_log_head = Table(
    "access_log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", RowId, nullable=False),
    Column("hash", Text, nullable=False),
    # The last entry that was deleted by age: the first one that is kept is chained to it.
    Column("start_seq", RowId, nullable=False),
    Column("start_hash", Text, nullable=False),
    CheckConstraint("id = 1", name="only_one"),
)

samples = Table(
    "samples",
    metadata,
    Column("id", Text, primary_key=True),
    Column("audit", Text, ForeignKey("audits.id", ondelete="CASCADE"), nullable=False),
    Column("patterns_digest", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    # How many reports each stratum has, as JSON.
    Column("totals", Text, nullable=False),
    Column("items", Integer, nullable=False),
    Column("has_texts", Boolean, nullable=False),
    Column("drawn_by", Text, nullable=False),
    Column("created_at", UtcMillis, nullable=False),
)
Index("ix_samples_audit", samples.c.audit, samples.c.id)

sample_items = Table(
    "sample_items",
    metadata,
    # The sample's id and the item's name, "smp_... V0001": what a text is sealed for.
    Column("id", Text, primary_key=True),
    Column("sample", Text, ForeignKey("samples.id", ondelete="CASCADE"), nullable=False),
    Column("item", Text, nullable=False),
    Column("number", Integer, nullable=False),
    # Reviewers must not see it.
    Column("stratum", Text, nullable=False),
    Column("row", BigInteger, nullable=False),
    Column("report_id", Text),
    Column("accession", Text),
    Column("study_date", Text),
    Column("path", Text, nullable=False),
    Column("line", BigInteger, nullable=False),
    # As in reports; NULL where the archive could not be read again.
    Column("text", LargeBinary),
    Column("text_key", Text),
    # What was decided between two reviewers who disagreed.
    Column("verdict", Text),
    Column("verdict_by", Text),
    Column("verdict_at", UtcMillis),
    CheckConstraint(
        "verdict IS NULL OR verdict IN ('case', 'no_case', 'unclear')", name="verdict_known"
    ),
)
Index("ix_sample_items_sample", sample_items.c.sample, sample_items.c.number, unique=True)
_sealed = sample_items.c.text_key.is_not(None)
Index(
    "ix_sample_items_text_key",
    sample_items.c.text_key,
    sqlite_where=_sealed,
    postgresql_where=_sealed,
)

sample_reviewers = Table(
    "sample_reviewers",
    metadata,
    Column("sample", Text, ForeignKey("samples.id", ondelete="CASCADE"), primary_key=True),
    # As the access log calls who reviews.
    Column("reviewer", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    CheckConstraint("number IN (1, 2)", name="two"),
)
Index(
    "ix_sample_reviewers_number", sample_reviewers.c.sample, sample_reviewers.c.number, unique=True
)

sample_decisions = Table(
    "sample_decisions",
    metadata,
    Column("item", Text, ForeignKey("sample_items.id", ondelete="CASCADE"), primary_key=True),
    Column("reviewer", Text, primary_key=True),
    Column("decision", Text, nullable=False),
    Column("decided_at", UtcMillis, nullable=False),
    CheckConstraint("decision IN ('case', 'no_case', 'unclear')", name="decision_known"),
)

tombstones = Table(
    "tombstones",
    metadata,
    # Our id of the report; no foreign key, as the report is gone.
    Column("report", Text, primary_key=True),
    Column("accepted_at", UtcMillis, nullable=False),
    Column("deleted_at", UtcMillis, nullable=False),
    Column("reason", Text, nullable=False),
    Column("deleted_by", Text, nullable=False),
    CheckConstraint(
        "reason IN ('request', 'purge', 'patient', 'age', 'retention')", name="reason_known"
    ),
)

sums = Table(
    "sums",
    metadata,
    # One row: what the dispatcher counted last.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("accepted", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("cancelled", BigInteger, nullable=False),
    Column("open", BigInteger, nullable=False),
    Column("deleted", BigInteger, nullable=False),
    Column("counted_at", UtcMillis, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

idempotency = Table(
    "idempotency",
    metadata,
    # The key id of the client: two clients may choose the same words.
    Column("principal", Text, primary_key=True),
    Column("route", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body_sha256", Text, nullable=False),
    Column("status", Integer, nullable=False),
    # Ids and states only, never report text.
    Column("response", Text, nullable=False),
    Column("created_at", UtcMillis, nullable=False),
)
