import type { Complexity } from '../../contracts/query-class.ts';
import type { LaneStatus, RaceOutcome, RaceStrategy } from '../../contracts/race.ts';
import type { Executor } from '../postgres/pool.ts';

/**
 * What a batch of events says of one lane of one race. The names are those of the columns. Costs in USD, times in
 * milliseconds; sums are null where nothing is known.
 */
export interface RaceLaneChange {
  call_id: string;
  lane: number;
  lanes: number;
  caller_id: string;
  task_type: string | null;
  strategy: RaceStrategy;
  decision_id: string;
  instance_id: string;
  complexity: Complexity;
  estimated_cost_usd: number | null;

  /** The first attempt that the batch tells of, which says what the candidate is. */
  candidate_attempt: number;
  candidate_model: string;
  candidate_provider: string;

  /** Of the attempts that have ended now. */
  attempts: number;
  cost_usd: number | null;
  input_tokens: number | null;
  output_tokens: number | null;

  /** The newest attempt that has ended now; null where none has. */
  last_attempt: number | null;
  time_to_first_token_ms: number | null;
  /** As the verdict says, where there is one, else of the newest attempt. */
  latency_ms: number | null;

  /** The newest of them that failed, and how; null where none did. */
  failed_attempt: number | null;
  error_message: string | null;

  /** `running` without a verdict; what follows is then empty. */
  status: 'running' | LaneStatus;
  finished_first: boolean;
  selected: boolean;
  confidence: number | null;
  reason: string | null;
  race_outcome: RaceOutcome | null;
  race_reason: string | null;
  race_ms: number | null;
  agreement: number | null;
  margin: number | null;
  label: number | null;
}

/** The first verdict stays. */
const verdictColumns = [
  'finished_first',
  'selected',
  'confidence',
  'reason',
  'race_outcome',
  'race_reason',
  'race_ms',
  'agreement',
  'margin',
  'label',
];
const summedColumns = ['cost_usd', 'input_tokens', 'output_tokens'];

const columns = [
  'call_id, lane, lanes, caller_id, task_type, strategy, decision_id, instance_id, complexity, estimated_cost_usd',
  'candidate_attempt, candidate_model, candidate_provider, attempts, last_attempt, time_to_first_token_ms, latency_ms',
  'failed_attempt, error_message, status',
  ...summedColumns,
  ...verdictColumns,
].join(', ');

const isNewer = (attempt: string): string => `excluded.${attempt} > coalesce(lane.${attempt}, -1)`;

/**
 * Adds to the lanes of races, at most one change for each, in the order of their keys. Whatever the order in which changes
 * come, the rows end up the same: sums grow, of what is of one attempt the attempt's number decides, and of several
 * verdicts the first one counts.
 */
export async function upsertRaceLanes(db: Executor, changes: readonly RaceLaneChange[]): Promise<void> {
  if (changes.length === 0) return;
  await db.query({
    name: 'upsert-race-lanes',
    text: `insert into race_mode_results as lane (${columns})
     select ${columns} from jsonb_populate_recordset(null::race_mode_results, $1::jsonb)
     order by call_id, lane
     on conflict (call_id, lane) do update set
       task_type = coalesce(lane.task_type, excluded.task_type),
       estimated_cost_usd = coalesce(lane.estimated_cost_usd, excluded.estimated_cost_usd),
       candidate_attempt = least(lane.candidate_attempt, excluded.candidate_attempt),
       candidate_model = case when excluded.candidate_attempt < lane.candidate_attempt
         then excluded.candidate_model else lane.candidate_model end,
       candidate_provider = case when excluded.candidate_attempt < lane.candidate_attempt
         then excluded.candidate_provider else lane.candidate_provider end,
       attempts = lane.attempts + excluded.attempts,
       ${summedColumns
         .map(
           (column) => `${column} = coalesce(lane.${column} + excluded.${column}, lane.${column}, excluded.${column})`,
         )
         .join(', ')},
       last_attempt = greatest(lane.last_attempt, excluded.last_attempt),
       time_to_first_token_ms = case when ${isNewer('last_attempt')}
         then excluded.time_to_first_token_ms else lane.time_to_first_token_ms end,
       latency_ms = case
         when lane.race_outcome is not null then lane.latency_ms
         when excluded.race_outcome is not null or ${isNewer('last_attempt')} then excluded.latency_ms
         else lane.latency_ms end,
       failed_attempt = greatest(lane.failed_attempt, excluded.failed_attempt),
       error_message = case when ${isNewer('failed_attempt')} then excluded.error_message else lane.error_message end,
       status = case when lane.race_outcome is null and excluded.race_outcome is not null
         then excluded.status else lane.status end,
       ${verdictColumns
         .map(
           (column) =>
             `${column} = case when lane.race_outcome is null then excluded.${column} else lane.${column} end`,
         )
         .join(', ')},
       updated_at = now()`,
    values: [JSON.stringify(changes)],
  });
}

/** What lanes that were not selected cost, of the newest lanes since then, ISO 8601, at most 100,000; in USD. */
export async function readLostLanes(db: Executor, since: string): Promise<number> {
  const { rows } = await db.query<{ cost: number }>(
    `select coalesce(sum(cost_usd) filter (where not selected and status <> 'running'), 0)::float8 as cost from (
       select cost_usd, selected, status from race_mode_results where created_at >= $1 order by created_at desc limit 100000
     ) as lane`,
    [since],
  );
  return rows[0]?.cost ?? 0;
}

/**
 * Marks lanes as unknown whose verdict has not come for `afterSeconds`, the oldest first, at most `limit`; those that
 * somebody else is changing at the moment are left for the next time. What their attempts told stays. Returns how many.
 */
export async function markUnknownLanes(db: Executor, afterSeconds: number, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `with silent as (
       select call_id, lane from race_mode_results
       where status = 'running' and created_at < now() - make_interval(secs => $1)
       order by created_at limit $2
       for update skip locked
     )
     update race_mode_results as result set status = 'unknown', updated_at = now()
     from silent where result.call_id = silent.call_id and result.lane = silent.lane`,
    [afterSeconds, limit],
  );
  return rowCount ?? 0;
}

/** Deletes up to `limit` lanes older than `days`. Returns how many. */
export async function pruneRaceLanes(db: Executor, days: number, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from race_mode_results
     where ctid in (
       select ctid from race_mode_results where created_at < now() - make_interval(days => $1)
       order by created_at limit $2
     )`,
    [days, limit],
  );
  return rowCount ?? 0;
}
