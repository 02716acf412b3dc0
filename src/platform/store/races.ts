import type { Complexity } from '../../contracts/query-class.ts';
import type { LaneStatus, RaceOutcome, RaceStrategy } from '../../contracts/race.ts';
import type { Executor } from '../postgres/pool.ts';

/**
 * A race with the lanes that are known. The names are those of the API. Costs in USD, times in milliseconds, time stamps
 * ISO 8601 in UTC.
 */
export interface Race {
  race_id: string;
  created_at: string;
  strategy: RaceStrategy;
  caller_id: string;
  task_type: string | null;
  complexity: Complexity;
  /** Null while no lane has told what the race came to. */
  outcome: RaceOutcome | null;
  reason: string | null;
  race_ms: number | null;
  agreement: number | null;
  margin: number | null;
  cost_usd: number | null;
  /** Lanes that the race has; of some, nothing may have been heard. */
  lane_count: number;
  lanes: RaceLaneResult[];
}

export interface RaceLaneResult {
  lane: number;
  model: string;
  provider: string;
  decision_id: string;
  instance_id: string;
  status: LaneStatus | 'running' | 'unknown';
  reason: string | null;
  selected: boolean;
  finished_first: boolean;
  latency_ms: number | null;
  time_to_first_token_ms: number | null;
  confidence: number | null;
  label: number | null;
  cost_usd: number | null;
  estimated_cost_usd: number | null;
  input_tokens: number | null;
  output_tokens: number | null;
  attempts: number;
  error_message: string | null;
  updated_at: string;
}

/** A race as a page of races shows it. */
interface ListedRace extends Race {
  /** Where the next page goes on: pass it as `before`. */
  cursor: string;
}

const isoTimestamp = (value: string): string => `to_char(${value} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** Races of `page`, each by the time of the lane of which was heard first. */
const racesOfPage = `
  select page.call_id as race_id, ${isoTimestamp('page.created_at')} as created_at,
    min(strategy) as strategy, min(caller_id) as caller_id, min(task_type) as task_type, min(complexity) as complexity,
    min(race_outcome) as outcome, min(race_reason) as reason, max(race_ms) as race_ms,
    max(agreement) as agreement, max(margin) as margin, sum(cost_usd)::float8 as cost_usd, max(lanes) as lane_count,
    json_agg(json_build_object(
      'lane', lane, 'model', candidate_model, 'provider', candidate_provider, 'decision_id', decision_id,
      'instance_id', instance_id, 'status', status, 'reason', lane.reason, 'selected', selected,
      'finished_first', finished_first, 'latency_ms', latency_ms, 'time_to_first_token_ms', time_to_first_token_ms,
      'confidence', confidence, 'label', label, 'cost_usd', cost_usd, 'estimated_cost_usd', estimated_cost_usd,
      'input_tokens', input_tokens, 'output_tokens', output_tokens, 'attempts', attempts,
      'error_message', error_message, 'updated_at', ${isoTimestamp('updated_at')}) order by lane) as lanes
  from page join race_mode_results as lane using (call_id)
  group by page.call_id, page.created_at
  order by page.created_at desc, page.call_id desc`;

/**
 * The newest races, at most `limit`. `before` is the cursor of the last race of the page before; undefined for a cursor
 * that no page has given.
 */
export async function listRaces(
  db: Executor,
  page: { before: string | undefined; limit: number },
): Promise<ListedRace[] | undefined> {
  const before = page.before === undefined ? undefined : readCursor(page.before);
  if (page.before !== undefined && before === undefined) return undefined;
  const { rows } = await db.query<Race>(
    `with page as (
       select call_id, created_at from race_mode_results as first
       where ($1::timestamptz is null or (created_at, call_id) < ($1, $2::uuid))
         -- One row for each race.
         and not exists (
           select from race_mode_results as other
           where other.call_id = first.call_id and (other.created_at, other.lane) < (first.created_at, first.lane)
         )
       order by created_at desc, call_id desc limit $3
     )
     ${racesOfPage}`,
    [before?.createdAt, before?.raceId, page.limit],
  );
  return rows.map((race) => ({ ...race, cursor: writeCursor(race) }));
}

/** One race; undefined where it is not known, or not yet. */
export async function findRace(db: Executor, raceId: string): Promise<Race | undefined> {
  const { rows } = await db.query<Race>(
    `with page as (
       select call_id, min(created_at) as created_at from race_mode_results where call_id = $1 group by call_id
     )
     ${racesOfPage}`,
    [raceId],
  );
  return rows[0];
}

function writeCursor(race: Race): string {
  return Buffer.from(`${race.created_at} ${race.race_id}`).toString('base64url');
}

function readCursor(cursor: string): { createdAt: string; raceId: string } | undefined {
  const text = Buffer.from(cursor, 'base64url').toString();
  const [, createdAt, raceId] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/.exec(text) ?? [];
  if (createdAt === undefined || raceId === undefined || Number.isNaN(Date.parse(createdAt))) return undefined;
  return { createdAt, raceId };
}
