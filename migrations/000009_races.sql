-- Races: several models are asked the same at once. One row for each lane of each race. The first columns are those of the
-- seed; `call_id` is the id of the race. Events come twice, late and in any order, so that a row may begin with any of them.
create table race_mode_results (
  call_id uuid not null,
  caller_id text not null,
  task_type text,
  strategy text not null,
  candidate_model text not null,
  finished_first boolean not null default false,
  selected boolean not null default false,
  -- As the verdict says; without one, of the newest attempt.
  latency_ms double precision,
  confidence double precision,
  -- Of all attempts; null while none has told of any. Numeric, so that sums come out the same in whatever order.
  cost_usd numeric(24, 15),
  -- Error code and HTTP status of the newest attempt that failed, such as `server 503`; never a text of a provider, which
  -- may repeat what was asked.
  error_message text,
  -- Always null. The seed kept the first characters of each answer here: no text of an answer is ever stored, because it is
  -- the caller's, and nothing that is learned from a race needs it.
  output_preview text,
  -- When the lane was first heard of, by the clock of the database: those of the instances may be wrong.
  created_at timestamptz not null default now(),

  lane smallint not null check (lane >= 0),
  lanes smallint not null,
  candidate_provider text not null,
  decision_id uuid not null,
  instance_id text not null,
  complexity text not null,
  -- `unknown`: the verdict did not come in time; one that comes later still counts.
  status text not null check (status in ('running', 'won', 'lost', 'cancelled', 'error', 'invalid', 'unknown')),
  -- The columns of the verdict, from here to `label`, are null until it comes; `race_outcome` is null as long as it has not.
  reason text,
  race_outcome text,
  race_reason text,
  race_ms double precision,
  agreement double precision,
  margin double precision,
  -- Quality in [0, 1], where the verdict is the word of a verifier, a judge or a consensus.
  label double precision,
  -- Of the newest attempt.
  time_to_first_token_ms double precision,
  -- Of all attempts, as the cost.
  input_tokens bigint,
  output_tokens bigint,
  attempts integer not null default 0,
  estimated_cost_usd double precision,
  updated_at timestamptz not null default now(),

  -- Of which attempt the columns are that are of one alone: the candidate is that of the first attempt heard of.
  candidate_attempt integer not null,
  last_attempt integer,
  failed_attempt integer,

  primary key (call_id, lane)
);
create index race_mode_results_created_at on race_mode_results (created_at, call_id);
create index race_mode_results_decision on race_mode_results (decision_id);
-- The lanes that wait for their verdict.
create index race_mode_results_running on race_mode_results (created_at) where status = 'running';

-- The part of `usage_count` and of `success_count` that is of races and that nobody has judged: nothing is learned from it.
alter table model_routing_metrics
  add column unjudged_count bigint not null default 0,
  add column unjudged_success_count bigint not null default 0;
