-- The current learned score of each (model, complexity); the catalogue's score holds where there is no row.
create table complexity_scores (
  model_name text not null,
  complexity_level text not null check (complexity_level in ('simple', 'medium', 'complex')),
  score double precision not null check (score between 0 and 5),
  prior_score double precision not null,
  seq bigint not null,
  sample_size bigint not null,
  success_rate double precision,
  avg_response_time_ms double precision,
  p95_ms double precision,
  reason text not null,
  updated_at timestamptz not null default now(),
  primary key (model_name, complexity_level)
);

-- Every change of a score, in order. Readers take a snapshot and then apply what has a greater seq.
create table score_updates (
  seq bigint generated always as identity primary key,
  timestamp timestamptz not null default now(),
  model_name text not null,
  complexity_level text not null,
  old_score double precision not null,
  new_score double precision not null,
  sample_size bigint not null,
  p95_ms double precision,
  reason text not null
);
create index score_updates_cell on score_updates (model_name, complexity_level, seq desc);

-- How much of each cell's evidence the learner has used; learning again from the same evidence changes nothing.
create table learner_watermarks (
  model_name text not null,
  complexity_level text not null,
  usage_count bigint not null,
  success_count bigint not null,
  response_time_sum double precision not null,
  response_time_count bigint not null,
  updated_at timestamptz not null default now(),
  primary key (model_name, complexity_level)
);

-- Who takes part: routers announce themselves and the queue on which they hear of new scores.
create table instances (
  instance_id text primary key,
  service text not null,
  version text not null,
  queue_name text,
  address text,
  applied_seq bigint not null default 0,
  started_at timestamptz not null,
  last_seen_at timestamptz not null default now()
);
