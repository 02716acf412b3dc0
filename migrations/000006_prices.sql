-- Prices that few models have: audio, reasoning, cache writes of the long lifetime, tiers by the length of the input and
-- by the class of service. As they are in the JSON of a model: per 1,000 tokens.
alter table models add column price_details jsonb not null default '{}';

alter table routing_records
  add column cache_write_tokens integer,
  add column reasoning_tokens integer;
