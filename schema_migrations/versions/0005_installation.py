"""The installation's mark in its classifiers' own model calls: random, so that nobody else can write it.

Revision ID: 0005
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        create table installation (
            id smallint constraint pk_installation primary key default 1,
            own_call_mark text not null,
            constraint ck_installation_only_one check (id = 1),
            constraint ck_installation_own_call_mark check (own_call_mark ~ '^[0-9a-f]{16}$')
        )
    """)
    op.execute("""
        insert into installation (own_call_mark) select left(replace(cast(gen_random_uuid() as text), '-', ''), 16)
    """)


def downgrade() -> None:
    op.execute("drop table installation")
