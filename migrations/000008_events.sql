-- `unknown`: the outcome did not come in time. Not validated, because rows that satisfied the old check satisfy this one,
-- and reading all of them again would stop every writer meanwhile.
alter table routing_records drop constraint routing_records_outcome_check;
alter table routing_records add constraint routing_records_outcome_check
  check (outcome in ('routed', 'success', 'failure', 'timeout', 'cancelled', 'unknown')) not valid;

-- False for a decision that somebody only asked for: whoever it is calls the model, and need not tell.
alter table routing_records add column expects_outcome boolean not null default true;

-- The decisions that wait for their outcome, by when they were counted. Decisions whose id central has made (of version 8,
-- because the event gave none) can have none: no later event could name them.
create index idx_routing_records_open on routing_records (created_at)
  where outcome = 'routed' and expects_outcome and get_byte(uuid_send(decision_id), 6) >> 4 <> 8;

-- The primary key begins with the same column, and every row costs an entry in each index.
drop index idx_routing_records_timestamp;

-- Records are looked up by decision, and of each day only within a time.
drop index idx_routing_records_decision;
create index idx_routing_records_decision on routing_records (decision_id, timestamp);

-- How many decisions each instance sent, by the minute in which they were counted, and of how many the outcome is unknown.
create table decision_tallies (
  minute timestamptz not null,
  instance_id text not null,
  decisions bigint not null,
  unknown bigint not null,
  primary key (minute, instance_id)
);

-- Leases that hold something, of which those that have expired are looked for every two seconds.
create index budget_leases_held on budget_leases (expires_at) where granted_usd > 0;
