"""Whether a generation's cost was reported or estimated, and the views that say so.

Revision ID: 0006
"""

import importlib

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The views are the place that knows that a cost from before this column was reported: no row is rewritten for it.
VIEWS = """
create or replace view generation_tags as
select g.workspace, g.id as generation_id, g.created_at, g.app, g.user_id, g.model, g.cost_usd,
       pair.key as dimension, value.value,
       case when g.cost_usd is not null then coalesce(g.cost_source, 'reported') end as cost_source
from generations g
cross join lateral jsonb_each(g.tags) as pair
cross join lateral jsonb_array_elements_text(
    case jsonb_typeof(pair.value) when 'array' then pair.value else jsonb_build_array(pair.value) end
) as value(value);

create or replace view spend as
select g.workspace, g.created_at, 'application' as payer_kind, coalesce(g.app, g.user_id, g.api_key_name) as payer,
       g.id as generation_id, null::text as classifier, g.model, null::text as call_case,
       g.prompt_tokens, g.completion_tokens, g.cached_tokens, g.cost_usd,
       case when g.cost_usd is null then 'unknown' else coalesce(g.cost_source, 'reported') end as cost_source
from generations g
union all
select c.workspace, call.at, 'classifier', m.name,
       c.generation_id, k.name, call.model, call."case",
       call.prompt_tokens, call.completion_tokens, call.cached_tokens, call.cost_usd, call.cost_source
from classifications c
cross join lateral jsonb_to_recordset(c.calls) as call(
    at timestamptz, "case" text, model text, prompt_tokens bigint, completion_tokens bigint, cached_tokens bigint,
    cost_usd numeric, cost_source text)
left join classifiers k on k.id = c.classifier_id
left join members m on m.id = c.billed_to;
"""


def upgrade() -> None:
    op.execute("alter table generations add column cost_source text")  # no default: nothing is rewritten
    op.execute(VIEWS)


def downgrade() -> None:
    op.execute("drop view spend, generation_tags")
    op.execute("alter table generations drop column cost_source")
    op.execute(importlib.import_module("schema_migrations.versions.0001_the_line").VIEWS)
