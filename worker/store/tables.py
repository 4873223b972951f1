"""The tables as declared; `schema_migrations` holds how a database came to have them.

`generations`, `transcripts`, `classifications` and `feedback` are partitioned by the day of `created_at`: retention
drops a day and never deletes its rows. There is no default partition (one stray row would block making its day) and no
foreign key among the four (it would block dropping a day).
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

PARTITIONED = ("generations", "transcripts", "classifications", "feedback")
NO_CLASSIFIER_ID = "00000000-0000-0000-0000-000000000000"
"""Stands in `classifications.classifier_id` where no classifier was asked (`no_classifier`, `own_call`, `unproven_own_call`)."""

STATES = ("pending", "running", "retrying", "tagged", "failed", "not_run")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_now = text("now()")


def _created_at() -> Column[object]:
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=_now)


installation = Table(
    "installation",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False, server_default=text("1")),
    Column("own_call_mark", Text, nullable=False),
    CheckConstraint("id = 1", name="only_one"),
    CheckConstraint("own_call_mark ~ '^[0-9a-f]{16}$'", name="own_call_mark"),
)

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", Text, primary_key=True),
    Column("keep_text_days", Integer, nullable=False, server_default=text("30")),
    _created_at(),
    CheckConstraint("id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name="id_is_a_slug"),
    CheckConstraint("keep_text_days between 0 and 3650", name="keep_text_days"),
)

members = Table(
    "members",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("workspace", Text, ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    _created_at(),
    Column("revoked_at", DateTime(timezone=True)),
    UniqueConstraint("workspace", "name"),
    CheckConstraint("role in ('admin', 'member')", name="role"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("workspace", Text, ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("member_id", Uuid, ForeignKey("members.id", ondelete="CASCADE")),
    Column("application", Text),
    Column("prefix", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    _created_at(),
    Column("last_used_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    UniqueConstraint("workspace", "name"),
    CheckConstraint("role in ('admin', 'member', 'ingest')", name="role"),
    CheckConstraint("(member_id is null) <> (application is null)", name="one_owner"),
    CheckConstraint("(role = 'ingest') = (application is not null)", name="ingest_belongs_to_an_application"),
)

classifiers = Table(
    "classifiers",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("workspace", Text, ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    _created_at(),
    UniqueConstraint("workspace", "name"),
    CheckConstraint("state in ('draft', 'active', 'paused')", name="state"),
)

classifier_versions = Table(
    "classifier_versions",
    metadata,
    Column("classifier_id", Uuid, ForeignKey("classifiers.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("definition", JSONB, nullable=False),
    Column("dimensions", ARRAY(Text), nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("configured_by", Uuid, ForeignKey("members.id", ondelete="SET NULL")),
    _created_at(),
)

generations = Table(
    "generations",
    metadata,
    Column("workspace", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("created_at", DateTime(timezone=True), primary_key=True),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Column("model", Text),
    Column("provider", Text),
    Column("app", Text),
    Column("user_id", Text),
    Column("session_id", Text),
    Column("api_key_name", Text),
    Column("prompt_tokens", BigInteger),
    Column("completion_tokens", BigInteger),
    Column("cached_tokens", BigInteger),
    Column("reasoning_tokens", BigInteger),
    Column("cost_usd", Numeric),
    Column("latency_ms", Double),
    Column("finish_reason", Text),
    Column("streamed", Boolean, nullable=False, server_default=text("false")),
    Column("metadata", JSONB, nullable=False, server_default=text("'{}'")),
    Column("tags", JSONB, nullable=False, server_default=text("'{}'")),
    Column("langfuse_scores", JSONB),  # {"project": …, "tags": …}, as last sent: see langfuse_scores
    Column("cost_source", Text),  # reported or estimated; NULL beside a cost: reported, before there was this column
    postgresql_partition_by="RANGE (created_at)",
)
Index("ix_generations_tags", generations.c.tags, postgresql_using="gin")
Index("ix_generations_workspace_created_at", generations.c.workspace, generations.c.created_at)

transcripts = Table(
    "transcripts",
    metadata,
    Column("workspace", Text, primary_key=True),
    Column("generation_id", Text, primary_key=True),
    Column("created_at", DateTime(timezone=True), primary_key=True),
    Column("turns", JSONB, nullable=False),  # [[kind, text, name, length], ...]
    Column("tools", ARRAY(Text), nullable=False),
    Column("left_out", Integer, nullable=False, server_default=text("0")),
    postgresql_partition_by="RANGE (created_at)",
)

classifications = Table(
    "classifications",
    metadata,
    Column("workspace", Text, primary_key=True),
    Column("generation_id", Text, primary_key=True),
    Column("created_at", DateTime(timezone=True), primary_key=True),
    Column("classifier_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("rate", Double),
    Column("draw", Double),
    Column("due_at", DateTime(timezone=True)),
    Column("rung_at", DateTime(timezone=True)),
    Column("claim_token", Uuid),
    Column("lease_until", DateTime(timezone=True)),
    Column("lost_leases", Integer, nullable=False, server_default=text("0")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("second_tries", Integer, nullable=False, server_default=text("0")),
    Column("change", Text),
    Column("first_attempt_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    Column("last_case", Text),
    Column("tags", JSONB),
    Column("certainty", JSONB),
    Column("model", Text),
    Column("prompt_tokens", BigInteger, nullable=False, server_default=text("0")),
    Column("completion_tokens", BigInteger, nullable=False, server_default=text("0")),
    Column("cached_tokens", BigInteger, nullable=False, server_default=text("0")),
    Column("reasoning_tokens", BigInteger, nullable=False, server_default=text("0")),
    Column("cost_usd", Numeric),
    Column("cost_source", Text),
    Column("latency_ms", Double),
    Column("billed_to", Uuid),
    Column(
        "calls", JSONB, nullable=False, server_default=text("'[]'")
    ),  # every model call, late ones too: see outcomes
    CheckConstraint("state in ('pending', 'running', 'retrying', 'tagged', 'failed', 'not_run')", name="state"),
    CheckConstraint("(state in ('failed', 'not_run')) <= (reason is not null)", name="an_end_has_its_reason"),
    postgresql_partition_by="RANGE (created_at)",
)
Index(
    "ix_classifications_due",
    classifications.c.endpoint,
    classifications.c.due_at,
    postgresql_where=classifications.c.state.in_(["pending", "retrying"]),
)
Index(
    "ix_classifications_leased",
    classifications.c.lease_until,
    postgresql_where=classifications.c.state == "running",
)

feedback = Table(
    "feedback",
    metadata,
    Column("workspace", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("created_at", DateTime(timezone=True), primary_key=True),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Column("generation_id", Text, nullable=False),
    Column("score", Double),
    Column("comment", Text),
    Column("user_id", Text),
    Column("metadata", JSONB, nullable=False, server_default=text("'{}'")),
    postgresql_partition_by="RANGE (created_at)",
)
Index("ix_feedback_workspace_generation_id", feedback.c.workspace, feedback.c.generation_id)
Index(
    "ix_feedback_commented",
    feedback.c.workspace,
    feedback.c.created_at,
    postgresql_where=feedback.c.comment.is_not(None),
)

classifier_spend = Table(
    "classifier_spend",
    metadata,
    Column("classifier_id", Uuid, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("cost_usd", Numeric, nullable=False),
    Column("calls", BigInteger, nullable=False),
    ForeignKeyConstraint(["classifier_id"], ["classifiers.id"], ondelete="CASCADE"),
)

set_aside = Table(
    "set_aside",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("set_aside_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Column("source", Text, nullable=False),  # broker, recording
    Column("queue", Text, nullable=False),
    Column("workspace", Text),
    Column("error", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("replayed_at", DateTime(timezone=True)),
    CheckConstraint("source in ('broker', 'recording')", name="source"),
)
Index("ix_set_aside_set_aside_at", set_aside.c.set_aside_at)

losses = Table(
    "losses",
    metadata,
    Column("day", Date, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("generations", BigInteger, nullable=False),
)
