import type { BudgetPeriod } from '../../contracts/keys.ts';
import type { Executor } from '../postgres/pool.ts';

/** What a router says about its lease of one budget, and what it asks for. All amounts in USD. */
export interface BudgetExchange {
  budgetId: string;
  /** Grows by one with each exchange of this budget; one that is sent again counts once. */
  seq: number;
  /** What the router believes to hold, `settledUsd` and `returnedUsd` included. */
  heldUsd: number;
  /** Moves from leased to spent. */
  settledUsd: number;
  /** Goes back to everybody. */
  returnedUsd: number;
  /** The least that would help somebody who waits; 0 where nobody does. */
  minimumUsd: number;
  /** What all who wait need together. */
  waitingUsd: number;
  /** What is asked for in advance. */
  aheadUsd: number;
}

export interface BudgetAnswer {
  budgetId: string;
  /** What the router holds from now on. */
  heldUsd: number;
  /** True when what it held was charged, and cannot be restored: it holds nothing, and settles nothing of the past. */
  lost: boolean;
  limitUsd: number;
  period: BudgetPeriod;
  spentUsd: number;
  /** Neither spent nor leased. */
  remainingUsd: number;
  /** Null where the budget never begins anew. */
  resetsAt: Date | null;
}

/** Longer than any exchange takes: a connection that leads nowhere must not keep the next exchange waiting. */
const exchangeTimeoutMs = 5000;

/**
 * Settles, gives back and leases shares of budgets, all in one statement that holds the rows of the budgets, locked in
 * the order of their ids. Whatever runs at the same time, it grants no more than is neither spent nor leased; nothing is
 * granted where less than the minimum is left. A budget whose period is over begins anew first, and a lease that was
 * forfeited in this period is restored first.
 *
 * Budgets that no longer exist are left out of the answer.
 */
export async function exchangeBudgetLeases(
  db: Executor,
  lease: { holder: string; instanceId: string; leaseMs: number },
  exchanges: readonly BudgetExchange[],
): Promise<BudgetAnswer[]> {
  const statement = {
    text: `with given as materialized (
        select budget_id, seq, held, round(settled, 15) as settled, round(returned, 15) as returned,
          round(minimum, 15) as minimum, round(waiting, 15) as waiting, round(ahead, 15) as ahead
        from unnest($4::uuid[], $5::bigint[], $6::numeric[], $7::numeric[], $8::numeric[], $9::numeric[],
          $10::numeric[], $11::numeric[]) as given (budget_id, seq, held, settled, returned, minimum, waiting, ahead)
      ), locked as materialized (
        select b.* from budgets b where budget_id in (select budget_id from given) order by budget_id for update
      ), own as materialized (
        select l.* from budget_leases l join locked using (budget_id) where l.holder = $1 for update of l
      ), before as (
        select given.*, start as started_at, b.limit_usd, b.period, b.leased_usd,
          case when start > b.period_started_at then 0 else b.spent_usd end as spent_usd,
          case when start > b.period_started_at then 0 else b.forfeited_usd end as forfeited_usd,
          coalesce(own.granted_usd, 0) as granted_usd,
          case when own.forfeited_period = start then own.forfeited_usd else 0 end as restored_usd,
          coalesce(own.seq = given.seq, false) as repeated,
          held > 0 and (own.seq is null or (own.forfeited_usd > 0 and own.forfeited_period <> start)) as lost
        from given join locked b using (budget_id)
          cross join lateral budget_period_start(b.period, b.period_started_at) as start
          left join own using (budget_id)
      ), settled as (
        select budget_id, seq, lost, started_at, limit_usd, period, minimum, waiting, ahead, forfeited_usd, restored_usd,
          leased_usd - granted_usd as leased_by_others,
          case when lost then spent_usd
            else greatest(spent_usd - restored_usd + case when repeated then 0 else settled end, 0) end as spent_usd,
          case when lost then 0
            else greatest(granted_usd + restored_usd - case when repeated then 0 else settled + returned end, 0)
            end as kept_usd
        from before
      ), decided as materialized (
        select *, kept_usd + case
            when lost or free < greatest(minimum, 0) then 0
            else least(free, greatest(waiting, least(ahead, trunc(free / (4 * routers), 15))))
          end as granted_usd
        from settled
          cross join lateral (
            select greatest(limit_usd - spent_usd - leased_by_others - kept_usd, 0) as free
          ) rest
          cross join (
            select greatest(count(*), 1) as routers from instances
            where service = 'router' and last_seen_at > now() - interval '15 seconds'
          ) fleet
      ), saved as (
        insert into budget_leases (budget_id, holder, instance_id, granted_usd, seq, expires_at)
        select budget_id, $1, $2, granted_usd, seq, now() + make_interval(secs => $3::float8 / 1000)
        from decided order by budget_id
        on conflict (budget_id, holder) do update set granted_usd = excluded.granted_usd, forfeited_usd = 0,
          forfeited_period = null, seq = excluded.seq, expires_at = excluded.expires_at
      )
      update budgets b set
        period_started_at = d.started_at,
        spent_usd = d.spent_usd,
        leased_usd = d.leased_by_others + d.granted_usd,
        forfeited_usd = greatest(d.forfeited_usd - d.restored_usd, 0)
      from decided d where b.budget_id = d.budget_id
      returning b.budget_id as "budgetId", d.granted_usd::float8 as "heldUsd", d.lost, d.limit_usd::float8 as "limitUsd",
        d.period, d.spent_usd::float8 as "spentUsd",
        greatest(d.limit_usd - d.spent_usd - d.leased_by_others - d.granted_usd, 0)::float8 as "remainingUsd",
        budget_period_end(d.period, d.started_at) as "resetsAt"`,
    query_timeout: exchangeTimeoutMs,
    values: [
      lease.holder,
      lease.instanceId,
      lease.leaseMs,
      exchanges.map((exchange) => exchange.budgetId),
      exchanges.map((exchange) => exchange.seq),
      exchanges.map((exchange) => exchange.heldUsd),
      exchanges.map((exchange) => exchange.settledUsd),
      exchanges.map((exchange) => exchange.returnedUsd),
      exchanges.map((exchange) => exchange.minimumUsd),
      exchanges.map((exchange) => exchange.waitingUsd),
      exchanges.map((exchange) => exchange.aheadUsd),
    ],
  };
  const { rows } = await db.query<BudgetAnswer>(statement);
  return rows;
}

/**
 * Charges what instances hold whose leases have expired: they may have spent it before they vanished. At most `limit`
 * leases. Answers the sum in USD.
 */
export async function forfeitExpiredLeases(db: Executor, limit: number): Promise<{ leases: number; usd: number }> {
  const { rows } = await db.query<{ leases: number; usd: number }>(
    `with expired as materialized (
       select distinct budget_id from (
         select budget_id from budget_leases where granted_usd > 0 and expires_at < now() order by expires_at limit $1
       ) oldest
     ), locked as materialized (
       select b.* from budgets b where budget_id in (select budget_id from expired) order by budget_id for update
     ), current as materialized (
       select budget_id, start as started_at,
         case when start > period_started_at then 0 else spent_usd end as spent_usd,
         case when start > period_started_at then 0 else forfeited_usd end as forfeited_usd
       from locked cross join lateral budget_period_start(period, period_started_at) as start
     ), taken as (
       -- Looked at again behind the lock: the holder may have come back just before.
       update budget_leases l set forfeited_usd = l.granted_usd, granted_usd = 0, forfeited_period = c.started_at
       from current c where l.budget_id = c.budget_id and l.granted_usd > 0 and l.expires_at < now()
       returning l.budget_id, l.forfeited_usd
     ), sums as materialized (
       select budget_id, sum(forfeited_usd) as usd, count(*) as leases from taken group by budget_id
     ), charged as (
       update budgets b set period_started_at = c.started_at, spent_usd = c.spent_usd + s.usd,
         forfeited_usd = c.forfeited_usd + s.usd, leased_usd = greatest(b.leased_usd - s.usd, 0)
       from sums s join current c using (budget_id) where b.budget_id = s.budget_id
     )
     select coalesce(sum(leases), 0)::integer as leases, coalesce(sum(usd), 0)::float8 as usd from sums`,
    [limit],
  );
  return rows[0] ?? { leases: 0, usd: 0 };
}

/** Deletes leases that hold nothing and whose holders were silent for a day. Answers how many, at most `limit`. */
export async function pruneBudgetLeases(db: Executor, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    // Said twice, because only the outer condition is looked at again when another transaction has changed the row.
    `delete from budget_leases
     where granted_usd = 0 and expires_at < now() - interval '1 day' and (budget_id, holder) in (
       select budget_id, holder from budget_leases
       where granted_usd = 0 and expires_at < now() - interval '1 day' limit $1)`,
    [limit],
  );
  return rowCount ?? 0;
}

/** How far budgets are used: up to 80%, to 100%, or to the end. What routers hold counts as used. */
export type BudgetLevel = 'ok' | 'nearly_used' | 'used_up';

/** How many budgets of keys and of teams are at each level, those of which there is none included. */
export async function countBudgetLevels(
  db: Executor,
): Promise<Array<{ scope: 'key' | 'team'; level: BudgetLevel; count: number }>> {
  const { rows } = await db.query<{ scope: 'key' | 'team'; level: BudgetLevel; count: number }>(
    `with used as (
       select case when key_id is null then 'team' else 'key' end as scope, limit_usd,
         leased_usd + case when start > period_started_at then 0 else spent_usd end as usd
       from budgets cross join lateral budget_period_start(period, period_started_at) as start
     ), levels as (
       select scope, case when usd >= limit_usd then 'used_up' when usd >= 0.8 * limit_usd then 'nearly_used' else 'ok' end
         as level
       from used
     )
     select scope, level, count(levels.level)::integer as count
     from (values ('key'), ('team')) scopes (scope)
     cross join (values ('ok'), ('nearly_used'), ('used_up')) known (level)
     left join levels using (scope, level)
     group by scope, level`,
  );
  return rows;
}
