"""What a generation's scores in Langfuse were made of: its tags as they were last sent, and to which project.

Revision ID: 0003
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table generations add column langfuse_scores jsonb")  # no default: nothing is rewritten


def downgrade() -> None:
    op.execute("alter table generations drop column langfuse_scores")
