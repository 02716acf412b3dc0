-- Outcomes on their way from the consumer to the learner: written in the transaction that counts them, deleted in the
-- one that learns from them. Only ever inserted, so that consumers and the learner do not wait for each other.
create table learner_evidence (
  id bigint generated always as identity primary key,
  received_at timestamptz not null default now(),
  model_name text not null,
  complexity_level text not null,
  query_type text,
  provider text not null,
  instance_id text not null,
  requests integer not null,
  -- Weighted by age; negative where feedback takes an outcome back.
  successes double precision not null,
  failures double precision not null,
  response_times integer not null,
  response_time_sum_ms double precision not null
);

-- Requests of each complexity that the fleet has answered: the clock by which evidence ages.
create table learner_clocks (
  complexity_level text primary key check (complexity_level in ('simple', 'medium', 'complex')),
  requests bigint not null
);

-- What is believed of each (model, complexity), as of `clock` and `aged_at`.
create table learner_cells (
  model_name text not null,
  complexity_level text not null check (complexity_level in ('simple', 'medium', 'complex')),
  successes double precision not null,
  failures double precision not null,
  observations double precision not null,
  prior_share double precision not null check (prior_share between 0 and 1),
  cusum_worse double precision not null,
  cusum_better double precision not null,
  response_times double precision not null,
  response_time_sum_ms double precision not null,
  -- Evidence by instance, provider and query type.
  parts jsonb not null,
  -- Stands in for the catalogue's score where somebody has put a score back.
  base_score double precision check (base_score between 0 and 5),
  clock bigint not null,
  aged_at timestamptz not null,

  -- What follows from the above, for those who choose: mean and strength of the success rate, and by how much it differs
  -- for each part.
  success_rate double precision not null check (success_rate between 0 and 1),
  strength double precision not null check (strength > 0),
  refinements jsonb not null,
  primary key (model_name, complexity_level)
);

alter table complexity_scores add column interval_low double precision, add column interval_high double precision;
alter table score_updates add column interval_low double precision, add column interval_high double precision,
  add column strength double precision;

-- Whether requests of the key may be answered by another than the best model now and then, to learn.
alter table virtual_keys add column may_explore boolean not null default true;
