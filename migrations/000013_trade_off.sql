-- From quality (0) to cost (1), for requests of the key that bring no number of their own; null: as the configuration says.
alter table virtual_keys add column cost_quality_tradeoff double precision check (cost_quality_tradeoff between 0 and 1);

-- What automatic requests cost and used, hour by hour, so that savings are told without reading every decision. By the time
-- of the decision, as the records are.
create table spending (
  hour timestamptz not null,
  -- `choice`: the chosen model; `fallback`, `hedge`: another call of the same request; `copy`: to a model on trial; `judge`.
  purpose text not null check (purpose in ('choice', 'fallback', 'hedge', 'copy', 'judge')),
  provider text not null,
  model text not null,
  complexity text not null,
  -- Answers that somebody got, with what they used, where their price is known.
  answers bigint not null,
  input_tokens bigint not null,
  cached_input_tokens bigint not null,
  output_tokens bigint not null,
  -- Answers of unknown price or usage, which are in none of the other columns.
  unpriced_answers bigint not null,
  -- Of all calls. Numeric, so that sums come out the same in whatever order.
  cost_usd numeric(24, 15) not null,
  -- The part of it of calls whose answer nobody got.
  unused_usd numeric(24, 15) not null,
  -- Answers of another model than the best, to learn, and what they cost more.
  explored bigint not null,
  exploration_usd numeric(24, 15) not null,
  primary key (hour, purpose, provider, model, complexity)
);
