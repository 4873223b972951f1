"""Members who have left: their row stays, because versions, bills and keys name it.

Revision ID: 0004
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table members add column revoked_at timestamptz")


def downgrade() -> None:
    op.execute("alter table members drop column revoked_at")
