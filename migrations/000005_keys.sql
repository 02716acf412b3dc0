-- Virtual keys, and what limits them: budgets in USD and rates a minute, of a key or of a team.

create table teams (
  team_id uuid primary key,
  name text not null unique check (name <> ''),
  created_at timestamptz not null default now()
);

create table virtual_keys (
  key_id uuid primary key,
  name text not null check (name <> ''),
  -- SHA-256 of the key. Keys are 256 random bits, which nobody can guess or find in a table of hashes, so that a slow or
  -- salted hash would add nothing but time to every request.
  key_hash bytea not null unique check (octet_length(key_hash) = 32),
  -- Its first characters, by which people tell keys apart.
  key_prefix text not null,
  team_id uuid references teams on delete set null,
  -- Patterns over `model_id` and `provider/model_id`; null allows all.
  allowed_models text[],
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz not null default now()
);
create index virtual_keys_team on virtual_keys (team_id);

-- spent + leased never passes the limit by a grant: a router may spend only what it has leased. Numeric, because sums of
-- many small costs must come out even. It passes only where a request cost more than was reserved for it, or where an
-- operator lowers the limit.
create table budgets (
  budget_id uuid primary key,
  key_id uuid unique references virtual_keys on delete cascade,
  team_id uuid unique references teams on delete cascade,
  limit_usd numeric(24, 15) not null check (limit_usd >= 0),
  period text not null check (period in ('total', 'day', 'week', 'month')),
  period_started_at timestamptz not null default now(),
  spent_usd numeric(24, 15) not null default 0 check (spent_usd >= 0),
  -- The sum of granted_usd of its leases.
  leased_usd numeric(24, 15) not null default 0 check (leased_usd >= 0),
  -- The part of spent_usd that instances held when they vanished.
  forfeited_usd numeric(24, 15) not null default 0 check (forfeited_usd >= 0),
  check (num_nonnulls(key_id, team_id) = 1)
);

-- What a running router holds of a budget: neither spent nor given back yet.
create table budget_leases (
  budget_id uuid not null references budgets on delete cascade,
  -- Of the process, so that an instance that starts again does not take itself for the one before.
  holder uuid not null,
  instance_id text not null,
  granted_usd numeric(24, 15) not null check (granted_usd >= 0),
  -- Was charged because the lease had expired; comes back if the holder does.
  forfeited_usd numeric(24, 15) not null default 0 check (forfeited_usd >= 0),
  forfeited_period timestamptz,
  -- Number of the last exchange, so that one that is repeated counts once.
  seq bigint not null,
  expires_at timestamptz not null,
  primary key (budget_id, holder)
);
create index budget_leases_expires_at on budget_leases (expires_at);

-- `used` counts what routers have leased in the window that began then.
create table rate_limits (
  rate_limit_id uuid primary key,
  key_id uuid references virtual_keys on delete cascade,
  team_id uuid references teams on delete cascade,
  kind text not null check (kind in ('requests', 'tokens')),
  per_minute bigint not null check (per_minute > 0),
  window_started_at timestamptz not null default '-infinity',
  used bigint not null default 0 check (used >= 0),
  unique (key_id, kind),
  unique (team_id, kind),
  check (num_nonnulls(key_id, team_id) = 1)
);

-- Start of the period at present, in UTC. It never goes back: a statement may have begun before another one that it
-- waited for.
create function budget_period_start(period text, started_at timestamptz) returns timestamptz
language sql stable as $$
  select case when period = 'total' then started_at else greatest(started_at, date_trunc(period, now(), 'UTC')) end
$$;

-- End of the period that began then; null where it has none.
create function budget_period_end(period text, started_at timestamptz) returns timestamptz
language sql stable as $$
  select case when period <> 'total' then
    (date_trunc(period, started_at at time zone 'UTC') + ('1 ' || period)::interval) at time zone 'UTC'
  end
$$;
