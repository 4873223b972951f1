"""The line: workspaces, classifiers, generations with their transcripts and classifications, what was set aside.

Revision ID: 0001
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TENANTS = """
create table workspaces (
    id text not null,
    keep_text_days integer not null default 30,
    created_at timestamptz not null default now(),
    constraint pk_workspaces primary key (id),
    constraint ck_workspaces_id_is_a_slug check (id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    constraint ck_workspaces_keep_text_days check (keep_text_days between 0 and 3650)
);

create table members (
    id uuid not null default gen_random_uuid(),
    workspace text not null,
    name text not null,
    role text not null,
    created_at timestamptz not null default now(),
    constraint pk_members primary key (id),
    constraint uq_members_workspace_name unique (workspace, name),
    constraint fk_members_workspace foreign key (workspace) references workspaces (id) on delete cascade,
    constraint ck_members_role check (role in ('admin', 'member'))
);

create table api_keys (
    id uuid not null default gen_random_uuid(),
    workspace text not null,
    name text not null,
    role text not null,
    member_id uuid,
    application text,
    prefix text not null,
    hash bytea not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    revoked_at timestamptz,
    constraint pk_api_keys primary key (id),
    constraint uq_api_keys_hash unique (hash),
    constraint uq_api_keys_workspace_name unique (workspace, name),
    constraint fk_api_keys_workspace foreign key (workspace) references workspaces (id) on delete cascade,
    constraint fk_api_keys_member_id foreign key (member_id) references members (id) on delete cascade,
    constraint ck_api_keys_role check (role in ('admin', 'member', 'ingest')),
    constraint ck_api_keys_one_owner check ((member_id is null) <> (application is null)),
    constraint ck_api_keys_ingest_belongs_to_an_application check ((role = 'ingest') = (application is not null))
);
"""

CLASSIFIERS = """
create table classifiers (
    id uuid not null default gen_random_uuid(),
    workspace text not null,
    name text not null,
    state text not null,
    version integer not null,
    created_at timestamptz not null default now(),
    constraint pk_classifiers primary key (id),
    constraint uq_classifiers_workspace_name unique (workspace, name),
    constraint fk_classifiers_workspace foreign key (workspace) references workspaces (id) on delete cascade,
    constraint ck_classifiers_state check (state in ('draft', 'active', 'paused'))
);

create table classifier_versions (
    classifier_id uuid not null,
    version integer not null,
    definition jsonb not null,
    dimensions text[] not null,
    endpoint text not null,
    configured_by uuid,
    created_at timestamptz not null default now(),
    constraint pk_classifier_versions primary key (classifier_id, version),
    constraint fk_classifier_versions_classifier_id
        foreign key (classifier_id) references classifiers (id) on delete cascade,
    constraint fk_classifier_versions_configured_by
        foreign key (configured_by) references members (id) on delete set null
);

create table classifier_spend (
    classifier_id uuid not null,
    day date not null,
    cost_usd numeric not null,
    calls bigint not null,
    constraint pk_classifier_spend primary key (classifier_id, day),
    constraint fk_classifier_spend_classifier_id
        foreign key (classifier_id) references classifiers (id) on delete cascade
);
"""

LINE = """
create table generations (
    workspace text not null,
    id text not null,
    created_at timestamptz not null,
    recorded_at timestamptz not null default now(),
    model text,
    provider text,
    app text,
    user_id text,
    session_id text,
    api_key_name text,
    prompt_tokens bigint,
    completion_tokens bigint,
    cached_tokens bigint,
    reasoning_tokens bigint,
    cost_usd numeric,
    latency_ms double precision,
    finish_reason text,
    streamed boolean not null default false,
    metadata jsonb not null default '{}',
    tags jsonb not null default '{}',
    constraint pk_generations primary key (workspace, id, created_at)
) partition by range (created_at);
create index ix_generations_tags on generations using gin (tags);
create index ix_generations_workspace_created_at on generations (workspace, created_at);

create table transcripts (
    workspace text not null,
    generation_id text not null,
    created_at timestamptz not null,
    turns jsonb not null,
    tools text[] not null,
    left_out integer not null default 0,
    constraint pk_transcripts primary key (workspace, generation_id, created_at)
) partition by range (created_at);

create table classifications (
    workspace text not null,
    generation_id text not null,
    created_at timestamptz not null,
    classifier_id uuid not null,
    version integer not null,
    endpoint text not null,
    state text not null,
    reason text,
    rate double precision,
    draw double precision,
    due_at timestamptz,
    rung_at timestamptz,
    claim_token uuid,
    lease_until timestamptz,
    lost_leases integer not null default 0,
    attempts integer not null default 0,
    second_tries integer not null default 0,
    change text,
    first_attempt_at timestamptz,
    finished_at timestamptz,
    last_case text,
    tags jsonb,
    certainty jsonb,
    model text,
    prompt_tokens bigint not null default 0,
    completion_tokens bigint not null default 0,
    cached_tokens bigint not null default 0,
    reasoning_tokens bigint not null default 0,
    cost_usd numeric,
    cost_source text,
    latency_ms double precision,
    billed_to uuid,
    calls jsonb not null default '[]',
    constraint pk_classifications primary key (workspace, generation_id, created_at, classifier_id),
    constraint ck_classifications_state
        check (state in ('pending', 'running', 'retrying', 'tagged', 'failed', 'not_run')),
    constraint ck_classifications_an_end_has_its_reason
        check ((state in ('failed', 'not_run')) <= (reason is not null))
) partition by range (created_at);
create index ix_classifications_due on classifications (endpoint, due_at) where state in ('pending', 'retrying');
create index ix_classifications_leased on classifications (lease_until) where state = 'running';
"""

OPERATING = """
create table set_aside (
    id bigserial not null,
    set_aside_at timestamptz not null default now(),
    source text not null,
    queue text not null,
    workspace text,
    error text not null,
    body bytea not null,
    size_bytes bigint not null,
    replayed_at timestamptz,
    constraint pk_set_aside primary key (id),
    constraint ck_set_aside_source check (source in ('broker', 'recording'))
);
create index ix_set_aside_set_aside_at on set_aside (set_aside_at);

create table losses (
    day date not null,
    reason text not null,
    generations bigint not null,
    constraint pk_losses primary key (day, reason)
);
"""

VIEWS = """
create view generation_tags as
select g.workspace, g.id as generation_id, g.created_at, g.app, g.user_id, g.model, g.cost_usd,
       pair.key as dimension, value.value
from generations g
cross join lateral jsonb_each(g.tags) as pair
cross join lateral jsonb_array_elements_text(
    case jsonb_typeof(pair.value) when 'array' then pair.value else jsonb_build_array(pair.value) end
) as value(value);

create view spend as
select g.workspace, g.created_at, 'application' as payer_kind, coalesce(g.app, g.user_id, g.api_key_name) as payer,
       g.id as generation_id, null::text as classifier, g.model, null::text as call_case,
       g.prompt_tokens, g.completion_tokens, g.cached_tokens, g.cost_usd,
       case when g.cost_usd is null then 'unknown' else 'reported' end as cost_source
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
    for statements in (TENANTS, CLASSIFIERS, LINE, OPERATING, VIEWS):
        op.execute(statements)


def downgrade() -> None:
    op.execute("drop view spend, generation_tags")
    op.execute("drop table losses, set_aside, classifications, transcripts, generations")
    op.execute("drop table classifier_spend, classifier_versions, classifiers, api_keys, members, workspaces")
