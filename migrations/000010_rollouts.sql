-- `candidate`: newly offered, and answered by nobody but its rollout until that is over. Not validated, because rows that
-- satisfied the old check satisfy this one, and reading all of them again would stop every writer meanwhile.
alter table models drop constraint models_status_check;
alter table models add constraint models_status_check
  check (status in ('stable', 'preview', 'snapshot', 'deprecated', 'disabled', 'candidate')) not valid;

-- A model on its way into the place of another, from proposal to the end.
create table rollouts (
  rollout_id uuid primary key,
  provider text not null,
  model_id text not null,
  -- The model that it would replace.
  control_provider text not null,
  control_model_id text not null,
  state text not null check (state in ('proposed', 'shadow', 'canary', 'promoted', 'rolled_back', 'dismissed')),
  -- Of a canary: which of its shares.
  stage integer not null default 0,
  -- What routers act on: the share of requests that are copied (shadow) or answered (canary) by the candidate.
  share double precision not null default 0 check (share between 0 and 1),
  -- An operator's word that it must not advance. Harm still ends it.
  held boolean not null default false,
  reason text not null,
  -- What it would change: price, context, capabilities.
  proposal jsonb not null default '{}',
  -- What the candidate was when it was tried. One that was rolled back is not tried again until this differs.
  fingerprint text not null,
  -- Counts that all tests follow from; see upgrade/evidence.ts.
  evidence jsonb not null default '{}',
  created_at timestamptz not null default now(),
  -- Since when it is in this state and stage.
  stage_since timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
-- A candidate is tried once at a time, and so is the place of a model.
create unique index rollouts_candidate on rollouts (provider, model_id) where state in ('proposed', 'shadow', 'canary');
create unique index rollouts_control on rollouts (control_provider, control_model_id) where state in ('shadow', 'canary');
create index rollouts_created_at on rollouts (created_at desc);

-- Every step of every rollout, by whom, and why. Rows are never changed.
create table rollout_log (
  seq bigint generated always as identity primary key,
  rollout_id uuid not null references rollouts,
  at timestamptz not null default now(),
  event text not null,
  from_state text,
  to_state text not null,
  from_stage integer,
  to_stage integer not null,
  actor text not null,
  reason text not null,
  evidence jsonb not null default '{}'
);
create index rollout_log_rollout on rollout_log (rollout_id, seq);
create function refuse_change() returns trigger language plpgsql as $$
  begin raise exception '% is only ever added to', tg_table_name; end $$;
create trigger rollout_log_is_kept before update or delete or truncate on rollout_log
  for each statement execute function refuse_change();

-- What outcomes say of rollouts, from the consumer to whoever decides; deleted when it is taken in.
create table rollout_observations (
  id bigint generated always as identity primary key,
  rollout_id uuid not null,
  arm text not null check (arm in ('canary', 'control', 'shadow')),
  share double precision not null,
  -- `left`: the client left before the answer; how long it had waited is known.
  kind text not null check (kind in ('outcome', 'quality', 'pair', 'left')),
  -- The conversation, as this rollout alone knows it: bad events of one are counted once.
  unit text,
  -- Of an outcome: it failed; of quality: it was judged bad. Null of a pair.
  bad boolean,
  latency_ms double precision,
  cost_usd double precision,
  pair jsonb,
  observed_at timestamptz not null default now()
);

-- Conversations of which a bad event was counted, by test: what happens to one again is no independent evidence.
create table rollout_units (
  rollout_id uuid not null references rollouts,
  test text not null,
  unit text not null,
  primary key (rollout_id, test, unit)
);

-- Models that are in use and changed without a word.
create table incidents (
  incident_id uuid primary key,
  kind text not null check (kind in ('drift')),
  model_id text not null,
  complexity text not null,
  detail jsonb not null default '{}',
  opened_at timestamptz not null default now(),
  -- Null while it is open.
  closed_at timestamptz,
  closed_reason text
);
create unique index incidents_open on incidents (kind, model_id, complexity) where closed_at is null;

-- Whether the requests of a key may be copied to a model that is tried.
alter table virtual_keys add column may_shadow boolean not null default false;

-- Of which rollout the decision is part; null where of none. Feedback that comes later is told of it by this.
alter table routing_records
  add column rollout_id uuid,
  add column rollout_arm text,
  add column rollout_share double precision,
  add column rollout_unit text;

-- Copies of requests are no usage: nobody asked for them.
create or replace view model_usage_by_instance as
select instance_id, model, count(*) as usage_count
from routing_records
where timestamp > now() - interval '1 day' and origin <> 'shadow'
group by instance_id, model
order by usage_count desc;
