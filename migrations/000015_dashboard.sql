-- What clients asked, what they got and what it cost, so that no view reads decisions one by one. By the time of the
-- decision, as the records are; the sums say what these say, so they go down where a record is corrected. `request`: for a
-- client; `race`: a lane or the judge of a race; `copy`: to a model on trial, or the judge of one.
create table traffic_hours (
  hour timestamptz not null,
  provider text not null,
  model text not null,
  kind text not null check (kind in ('request', 'race', 'copy')),
  -- Of clients, by the model that was chosen first; those that have ended; those whose client left.
  requests bigint not null,
  requests_ended bigint not null,
  requests_left bigint not null,
  calls bigint not null,
  answers bigint not null,
  -- Timeouts included.
  failures bigint not null,
  feedback_count bigint not null,
  feedback_sum double precision not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  -- Numeric, so that sums come out the same in whatever order.
  cost_usd numeric(24, 15) not null,
  primary key (hour, provider, model, kind)
);

-- The same by the minute, for two days.
create table traffic_minutes (
  minute timestamptz not null,
  provider text not null,
  model text not null,
  kind text not null check (kind in ('request', 'race', 'copy')),
  requests bigint not null,
  requests_ended bigint not null,
  requests_left bigint not null,
  calls bigint not null,
  answers bigint not null,
  failures bigint not null,
  feedback_count bigint not null,
  feedback_sum double precision not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  cost_usd numeric(24, 15) not null,
  primary key (minute, provider, model, kind)
);

-- How long answers to clients took, as DDSketches: of each model by the hour and by the day, and of all together (provider
-- and model are empty) by the hour and by the minute. Days so that a month of every model is a few hundred rows.
create table traffic_latencies (
  bucket_seconds integer not null check (bucket_seconds in (60, 3600, 86400)),
  bucket timestamptz not null,
  provider text not null,
  model text not null,
  response_ms bytea,
  first_token_ms bytea,
  primary key (bucket_seconds, bucket, provider, model)
);

-- What did not end well, which people look for and of which there is little.
create index idx_routing_records_not_answered on routing_records (timestamp desc, id desc)
  where outcome in ('failure', 'timeout', 'cancelled', 'unknown');
