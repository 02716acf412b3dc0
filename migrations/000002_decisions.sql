-- One row for each attempt of each decision: a `routed` event opens it, the first terminal outcome closes it.
-- Partitioned by day from the start, so that old days are dropped instead of deleted row by row.
create table routing_records (
  id bigint generated always as identity,
  timestamp timestamptz not null,
  instance_id varchar not null,
  complexity varchar not null,
  model varchar not null,
  provider varchar not null,
  score double precision not null,
  outcome varchar not null check (outcome in ('routed', 'success', 'failure', 'timeout', 'cancelled')),
  response_time_ms integer,
  capabilities_required text[],
  preference varchar,
  created_at timestamptz default now(),

  decision_id uuid not null,
  attempt integer not null default 0,
  origin text not null default 'auto',
  propensity double precision,
  query_type text,
  requested_model text,
  response_model text,
  streamed boolean,
  input_tokens integer,
  output_tokens integer,
  cached_input_tokens integer,
  usage_estimated boolean,
  cost_usd double precision,
  time_to_first_token_ms integer,
  http_status smallint,
  error_code text,
  policy_version text,
  features integer[],
  explanation jsonb,
  feedback_score double precision,
  updated_at timestamptz not null default now(),

  primary key (timestamp, decision_id, attempt)
) partition by range (timestamp);

create table routing_records_default partition of routing_records default;

create index idx_routing_records_model_complexity on routing_records (model, complexity);
create index idx_routing_records_timestamp on routing_records (timestamp desc);
create index idx_routing_records_decision on routing_records (decision_id);

-- Makes the partition of one UTC day. A day whose rows already lie in the default partition stays there.
create function ensure_routing_records_partition(day date) returns boolean
language plpgsql as $$
declare
  partition_name text := 'routing_records_' || to_char(day, 'YYYYMMDD');
  from_time timestamptz := day::timestamp at time zone 'UTC';
  to_time timestamptz := (day + 1)::timestamp at time zone 'UTC';
begin
  if to_regclass(partition_name) is not null then
    return false;
  end if;
  if exists (select 1 from routing_records_default where timestamp >= from_time and timestamp < to_time) then
    return false;
  end if;
  execute format(
    'create table if not exists %I partition of routing_records for values from (%L) to (%L)',
    partition_name, from_time, to_time
  );
  return true;
end;
$$;

select ensure_routing_records_partition((now() at time zone 'UTC')::date + offset_days) from generate_series(0, 7) offset_days;

-- Ids of events that were counted, so that a second delivery changes nothing.
create table processed_events (
  event_id uuid primary key,
  processed_at timestamptz not null default now()
);
create index processed_events_processed_at on processed_events (processed_at);

-- What was learned of each (model, complexity). usage_count counts terminal outcomes; routed_count counts choices.
create table model_routing_metrics (
  id bigint generated always as identity primary key,
  model_name varchar not null,
  complexity_level varchar not null,
  usage_count bigint default 0,
  success_count bigint default 0,
  -- The newest 100 response times; the distribution is in model_latency_sketches.
  response_times integer[] default '{}',
  avg_response_time double precision,
  response_time_count bigint default 0,
  updated_at timestamptz default now(),

  routed_count bigint not null default 0,
  failure_count bigint not null default 0,
  timeout_count bigint not null default 0,
  cancelled_count bigint not null default 0,
  feedback_count bigint not null default 0,
  feedback_sum double precision not null default 0,
  input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  cost_usd double precision not null default 0,
  unique (model_name, complexity_level)
);

-- Latency distributions as DDSketches (1% relative error), one for each hour; sketches of several hours merge.
create table model_latency_sketches (
  model_name varchar not null,
  complexity_level varchar not null,
  hour timestamptz not null,
  sketch bytea not null,
  count bigint not null,
  primary key (model_name, complexity_level, hour)
);
