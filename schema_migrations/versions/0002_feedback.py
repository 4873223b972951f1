"""Feedback: what somebody thought of a generation's answer, by days like what it is about.

Revision ID: 0002
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Its partitions are made by upkeep and on demand, also for days that the other tables have already.
FEEDBACK = """
create table feedback (
    workspace text not null,
    id text not null,
    created_at timestamptz not null,
    recorded_at timestamptz not null default now(),
    generation_id text not null,
    score double precision,
    comment text,
    user_id text,
    metadata jsonb not null default '{}',
    constraint pk_feedback primary key (workspace, id, created_at)
) partition by range (created_at);
create index ix_feedback_workspace_generation_id on feedback (workspace, generation_id);
create index ix_feedback_commented on feedback (workspace, created_at) where comment is not null;
"""


def upgrade() -> None:
    op.execute(FEEDBACK)


def downgrade() -> None:
    op.execute("drop table feedback")
