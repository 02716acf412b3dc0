import type { Budget, BudgetPeriod, NewBudget } from '../../contracts/keys.ts';
import { uuidv7 } from '../core/ids.ts';
import type { Executor } from '../postgres/pool.ts';

/** Whose limits: a key's or a team's. */
export interface LimitOwner {
  scope: 'key' | 'team';
  id: string;
}

/** What limits a key or a team; null where nothing does. */
export interface Limits {
  budget: Budget | null;
  requests_per_minute: number | null;
  tokens_per_minute: number | null;
}

/** Limits to set; what is undefined stays, null takes a limit away. */
export interface LimitChanges {
  budget?: NewBudget | null | undefined;
  requests_per_minute?: number | null | undefined;
  tokens_per_minute?: number | null | undefined;
}

export interface LimitsRow {
  limit_usd: number | null;
  period: BudgetPeriod;
  spent_usd: number;
  leased_usd: number;
  remaining_usd: number;
  forfeited_usd: number;
  period_started_at: Date;
  period_ends_at: Date | null;
  requests_per_minute: string | null;
  tokens_per_minute: string | null;
}

/** Columns of a `LimitsRow`; the query has `limitJoins`. A period that is over counts as begun anew. */
export const limitColumns = `b.limit_usd::float8, b.period, current.spent_usd::float8, b.leased_usd::float8,
  greatest(b.limit_usd - current.spent_usd - b.leased_usd, 0)::float8 as remaining_usd,
  current.forfeited_usd::float8, current.started_at as period_started_at,
  budget_period_end(b.period, current.started_at) as period_ends_at,
  requests.per_minute as requests_per_minute, tokens.per_minute as tokens_per_minute`;

/** Joins the limits of the table `owner`, whose key is `${scope}_id`. */
export function limitJoins(scope: LimitOwner['scope'], owner: string): string {
  const id = `${scope}_id`;
  return `left join budgets b on b.${id} = ${owner}.${id}
    left join lateral (
      select start as started_at,
        case when start > b.period_started_at then 0 else b.spent_usd end as spent_usd,
        case when start > b.period_started_at then 0 else b.forfeited_usd end as forfeited_usd
      from budget_period_start(b.period, b.period_started_at) as start
    ) current on true
    left join rate_limits requests on requests.${id} = ${owner}.${id} and requests.kind = 'requests'
    left join rate_limits tokens on tokens.${id} = ${owner}.${id} and tokens.kind = 'tokens'`;
}

export function toLimits(row: LimitsRow): Limits {
  return {
    budget:
      row.limit_usd === null
        ? null
        : {
            limit_usd: row.limit_usd,
            period: row.period,
            spent_usd: row.spent_usd,
            leased_usd: row.leased_usd,
            remaining_usd: row.remaining_usd,
            forfeited_usd: row.forfeited_usd,
            period_started_at: row.period_started_at.toISOString(),
            period_ends_at: row.period_ends_at?.toISOString() ?? null,
          },
    requests_per_minute: row.requests_per_minute === null ? null : Number(row.requests_per_minute),
    tokens_per_minute: row.tokens_per_minute === null ? null : Number(row.tokens_per_minute),
  };
}

/** Sets limits of a key or a team. */
export async function setLimits(db: Executor, owner: LimitOwner, changes: LimitChanges): Promise<void> {
  if (changes.budget !== undefined) await setBudget(db, owner, changes.budget);
  if (changes.requests_per_minute !== undefined) {
    await setRateLimit(db, owner, 'requests', changes.requests_per_minute);
  }
  if (changes.tokens_per_minute !== undefined) await setRateLimit(db, owner, 'tokens', changes.tokens_per_minute);
}

/** A new limit keeps what was spent; a new period begins at nothing. What routers hold stays theirs in either case. */
async function setBudget(db: Executor, { scope, id }: LimitOwner, budget: NewBudget | null): Promise<void> {
  if (budget === null) {
    await db.query(`delete from budgets where ${scope}_id = $1`, [id]);
    return;
  }
  await db.query(
    `insert into budgets as b (budget_id, ${scope}_id, limit_usd, period) values ($1, $2, $3, $4)
     on conflict (${scope}_id) do update set
       limit_usd = excluded.limit_usd, period = excluded.period,
       spent_usd = case when b.period = excluded.period then b.spent_usd else 0 end,
       forfeited_usd = case when b.period = excluded.period then b.forfeited_usd else 0 end,
       period_started_at = case when b.period = excluded.period then b.period_started_at else now() end`,
    [uuidv7(), id, budget.limit_usd, budget.period],
  );
}

async function setRateLimit(
  db: Executor,
  { scope, id }: LimitOwner,
  kind: 'requests' | 'tokens',
  perMinute: number | null,
): Promise<void> {
  if (perMinute === null) {
    await db.query(`delete from rate_limits where ${scope}_id = $1 and kind = $2`, [id, kind]);
    return;
  }
  await db.query(
    `insert into rate_limits (rate_limit_id, ${scope}_id, kind, per_minute) values ($1, $2, $3, $4)
     on conflict (${scope}_id, kind) do update set per_minute = excluded.per_minute`,
    [uuidv7(), id, kind, perMinute],
  );
}
