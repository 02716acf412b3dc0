import type { RecordOutcome } from '../../contracts/event.ts';
import type { Complexity } from '../../contracts/query-class.ts';
import type { Executor } from '../postgres/pool.ts';

/** An automatic decision as it was logged, with how its first attempt ended. */
export interface LoggedDecision {
  /** `canary`: a rollout gave it to a model that the policy does not choose from. */
  origin: 'auto' | 'canary';
  model: string;
  provider: string;
  complexity: Complexity;
  query_type: string | null;
  preference: string | null;
  outcome: RecordOutcome;
  propensity: number | null;
  feedback_score: number | null;
  cost_usd: number | null;
  response_time_ms: number | null;
  policy_version: string | null;
  /** As the router explained them; whatever else an instance has sent, or null. */
  candidates: unknown;
  /** The trade-off of the choice, as the router explained it; null: none. */
  trade_off: unknown;
  /** Exclusions by `routing.allow` and `routing.deny`, as the router explained them; null without an explanation. */
  excluded_by_policy: unknown;
}

/** Where a page ended. */
export interface DecisionCursor {
  /** ISO 8601 with microseconds. */
  timestamp: string;
  id: string;
}

/**
 * The newest automatic decisions from `since` up to, and without, `until`, ISO 8601; null: up to the newest. At most `limit`
 * of those older than the cursor, by falling time. `next` is null where there are no more.
 */
export async function listLoggedDecisions(
  db: Executor,
  { since, until }: { since: string; until: string | null },
  after: DecisionCursor | null,
  limit: number,
): Promise<{ decisions: LoggedDecision[]; next: DecisionCursor | null }> {
  const { rows } = await db.query<LoggedDecision & DecisionCursor>(
    `select id, to_char(timestamp at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as timestamp,
       origin, model, provider, complexity, query_type, preference, outcome, propensity, feedback_score, cost_usd,
       response_time_ms, policy_version,
       explanation -> 'candidates' as candidates, explanation -> 'trade_off' as trade_off,
       jsonb_path_query_array(
         explanation, '$.excluded[*] ? (@.reason == "not_allowed" && @.detail like_regex " by the configuration$")'
       ) as excluded_by_policy
     from routing_records
     where attempt = 0 and origin in ('auto', 'canary')
       and routing_records.timestamp >= $1 and ($2::timestamptz is null or routing_records.timestamp < $2)
       -- The first of the two lets the planner leave out days.
       and ($3::timestamptz is null or routing_records.timestamp <= $3)
       and ($3::timestamptz is null or (routing_records.timestamp, id) < ($3, $4::bigint))
     order by routing_records.timestamp desc, id desc
     limit $5`,
    [since, until, after?.timestamp, after?.id, limit],
  );
  const last = rows.at(-1);
  return {
    decisions: rows.map(({ timestamp: _timestamp, id: _id, ...decision }) => decision),
    next: rows.length < limit || last === undefined ? null : { timestamp: last.timestamp, id: last.id },
  };
}
