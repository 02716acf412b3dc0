-- Of an outcome: whether the answer was a stream. Null where that is not known: then how long it took is not compared.
alter table rollout_observations add column streamed boolean;

-- `unavailable`: the model was not there for the request. Not validated, because rows that satisfied the old check satisfy
-- this one.
alter table rollout_observations drop constraint rollout_observations_kind_check;
alter table rollout_observations add constraint rollout_observations_kind_check
  check (kind in ('outcome', 'quality', 'pair', 'left', 'unavailable')) not valid;

-- What copies of requests have cost, and may still cost while they are under way, of all routers together; by day of UTC.
create table shadow_spending (
  day date primary key,
  usd numeric not null
);
