import type { Executor } from '../postgres/pool.ts';

/** What a router gives back and asks for of one limit a minute, in requests or tokens. */
export interface RateExchange {
  rateLimitId: string;
  /** Start of the window that `returned` is of; null where nothing is given back. */
  window: Date | null;
  /** Negative where more was used than leased. */
  returned: number;
  /** The least that would help somebody who waits; 0 where nobody does. */
  minimum: number;
  /** What all who wait need together. */
  waiting: number;
  /** What is asked for in advance. */
  ahead: number;
}

export interface RateAnswer {
  rateLimitId: string;
  granted: number;
  perMinute: number;
  /** Leased by anybody in this window, `granted` included. */
  used: number;
  window: Date;
  /** Time from the answer to the end of the window. */
  endsInMs: number;
}

const exchangeTimeoutMs = 5000;

/**
 * Gives back and leases shares of limits a minute in one statement that holds their rows, locked in the order of their
 * ids. Windows are the minutes of PostgreSQL's clock. Whatever runs at the same time, no more is leased in a window than
 * its limit; nothing is granted where less than the minimum is left.
 *
 * Limits that no longer exist are left out of the answer.
 */
export async function exchangeRateLimits(db: Executor, exchanges: readonly RateExchange[]): Promise<RateAnswer[]> {
  const statement = {
    text: `with given as materialized (
        select * from unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
          as given (rate_limit_id, returned_window, returned, minimum, waiting, ahead)
      ), locked as materialized (
        select r.* from rate_limits r where rate_limit_id in (select rate_limit_id from given)
        order by rate_limit_id for update
      ), decided as materialized (
        select rate_limit_id, start, after_return.used, case
            when free < greatest(minimum, 0) then 0
            else least(free, greatest(waiting, least(ahead, free / (4 * routers))))
          end as granted
        from given join locked r using (rate_limit_id)
          cross join lateral (select greatest(r.window_started_at, date_trunc('minute', now())) as start) current
          cross join lateral (
            select case when start > r.window_started_at then 0 else greatest(
              r.used - case when returned_window = start then returned else 0 end, 0) end as used
          ) after_return
          cross join lateral (select greatest(r.per_minute - after_return.used, 0) as free) rest
          cross join (
            select greatest(count(*), 1) as routers from instances
            where service = 'router' and last_seen_at > now() - interval '15 seconds'
          ) fleet
      )
      update rate_limits r set window_started_at = d.start, used = d.used + d.granted
      from decided d where r.rate_limit_id = d.rate_limit_id
      returning r.rate_limit_id as "rateLimitId", d.granted::float8 as granted, r.per_minute::float8 as "perMinute",
        r.used::float8 as used, r.window_started_at as window,
        (extract(epoch from d.start + interval '1 minute' - clock_timestamp()) * 1000)::float8 as "endsInMs"`,
    query_timeout: exchangeTimeoutMs,
    values: [
      exchanges.map((exchange) => exchange.rateLimitId),
      exchanges.map((exchange) => exchange.window),
      exchanges.map((exchange) => exchange.returned),
      exchanges.map((exchange) => exchange.minimum),
      exchanges.map((exchange) => exchange.waiting),
      exchanges.map((exchange) => exchange.ahead),
    ],
  };
  const { rows } = await db.query<RateAnswer>(statement);
  return rows;
}
