-- The catalogue: one row for each model of each provider. Base scores come from the catalogue's rule or from an
-- operator; learned scores live in complexity_scores and lie over them.
create table models (
  provider text not null,
  model_id text not null,
  display_name text,
  status text not null check (status in ('stable', 'preview', 'snapshot', 'deprecated', 'disabled')),
  capabilities jsonb not null,
  input_modalities text[] not null,
  output_modalities text[] not null,
  context_window integer check (context_window > 0),
  max_output_tokens integer check (max_output_tokens > 0),
  input_usd_per_million_tokens double precision check (input_usd_per_million_tokens >= 0),
  output_usd_per_million_tokens double precision check (output_usd_per_million_tokens >= 0),
  cached_input_usd_per_million_tokens double precision check (cached_input_usd_per_million_tokens >= 0),
  cache_write_usd_per_million_tokens double precision check (cache_write_usd_per_million_tokens >= 0),
  simple_score double precision not null check (simple_score between 0 and 5),
  medium_score double precision not null check (medium_score between 0 and 5),
  complex_score double precision not null check (complex_score between 0 and 5),
  refiner boolean not null default false,
  -- What an operator declared of the performance; each value holds until there is a measured one.
  declared_performance jsonb not null default '{}',
  -- Measured by POST /models/{id}/usage: plain sums, so that concurrent writers only add.
  usage_count bigint not null default 0,
  success_count bigint not null default 0,
  time_to_first_token_ms_sum double precision not null default 0,
  time_to_first_token_count bigint not null default 0,
  completion_ms_sum double precision not null default 0,
  completion_count bigint not null default 0,
  quality_sum double precision not null default 0,
  quality_count bigint not null default 0,
  -- 'discovered' rows follow their provider's list; 'manual' rows were made by an operator and are left alone.
  source text not null check (source in ('discovered', 'manual')),
  -- The fields that an operator set and that a refresh leaves alone.
  pinned_fields text[] not null default '{}',
  -- False once the provider's list no longer has it; such a model is not offered and not deleted.
  listed boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (provider, model_id)
);
create index models_model_id on models (model_id);

create table provider_health (
  provider text primary key,
  status text not null check (status in ('healthy', 'unhealthy', 'unknown')),
  simulated boolean not null default false,
  last_checked_at timestamptz,
  last_ok_at timestamptz,
  consecutive_failures integer not null default 0,
  latency_ms double precision,
  error text
);

-- What the upgrade service found that the catalogue did not have; later issues move them through a rollout.
create table upgrade_candidates (
  id uuid primary key,
  provider text not null,
  model_id text not null,
  status text not null check (status in ('discovered', 'dismissed')),
  preview boolean not null default false,
  replaces text,
  reason text not null,
  metadata jsonb not null default '{}',
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  unique (provider, model_id)
);

create table discovery_runs (
  id uuid primary key,
  started_at timestamptz not null,
  finished_at timestamptz not null,
  trigger text not null check (trigger in ('manual', 'schedule')),
  providers jsonb not null,
  found integer not null,
  new_candidates integer not null
);
create index discovery_runs_started_at on discovery_runs (started_at desc);
