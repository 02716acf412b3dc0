import type { RecordOutcome } from '../../contracts/event.ts';
import type { Complexity } from '../../contracts/query-class.ts';
import type { RolloutArm } from '../../contracts/rollout.ts';
import type { Executor } from '../postgres/pool.ts';
import { explanationIn } from './decision-messages.ts';

/**
 * One attempt of one decision. The names are those of the columns, which are those of the events and of the API, so that
 * a record goes through unchanged. `timestamp` is the time of the decision, ISO 8601, in UTC and with microseconds when
 * it was read.
 */
export interface RoutingRecord {
  timestamp: string;
  instance_id: string;
  complexity: Complexity;
  model: string;
  provider: string;
  score: number;
  outcome: RecordOutcome;
  response_time_ms: number | null;
  capabilities_required: string[] | null;
  preference: string | null;
  decision_id: string;
  attempt: number;
  origin: string;
  propensity: number | null;
  /** False where nobody is bound to tell how it ended. */
  expects_outcome: boolean;
  query_type: string | null;
  requested_model: string | null;
  response_model: string | null;
  streamed: boolean | null;
  input_tokens: number | null;
  output_tokens: number | null;
  cached_input_tokens: number | null;
  cache_write_tokens: number | null;
  reasoning_tokens: number | null;
  usage_estimated: boolean | null;
  cost_usd: number | null;
  time_to_first_token_ms: number | null;
  http_status: number | null;
  error_code: string | null;
  policy_version: string | null;
  feedback_score: number | null;
  /** The rollout that the decision is part of, with arm, share and unit as its label says; all null where of none. */
  rollout_id: string | null;
  rollout_arm: RolloutArm | null;
  rollout_share: number | null;
  rollout_unit: string | null;
  /** Of the choice: which predictor there was, and whether it was made with it. */
  predictor_version: number | null;
  predictor_arm: string | null;
  /** Which secret the features were scrambled with. */
  features_key: string | null;
  /** Long, so read only where they are asked for. */
  features: number[] | null;
  explanation: Record<string, unknown> | null;
}

/** A record to be written. */
export interface WrittenRecord extends RoutingRecord {
  /** The message of the decisions queue that holds its explanation, where that is not given itself. */
  explained_by?: string | null;
}

/** A record that is locked until the transaction ends. `features` and `explanation` are null. */
export interface LockedRecord extends WrittenRecord {
  /** When it was first counted, by the database's clock. */
  created_at: string;
}

export const isoTimestamp = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

const shortColumns = `instance_id, complexity, model, provider, score, outcome, response_time_ms,
  capabilities_required, preference, decision_id, attempt, origin, propensity, expects_outcome, query_type, requested_model,
  response_model, streamed, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens,
  usage_estimated, cost_usd, time_to_first_token_ms, http_status, error_code, policy_version, feedback_score, rollout_id, rollout_arm,
  rollout_share, rollout_unit, predictor_version, predictor_arm, features_key`;

/** The short columns of a record, as `RoutingRecord` has them. */
export const selected = `${isoTimestamp('timestamp')} as timestamp, ${shortColumns}`;
const locked = `${selected}, null as features, null as explanation, ${isoTimestamp('created_at')} as created_at`;

/** With how much slack around the times of a batch its records are looked for: an event may carry its own time. */
const lookupSlackMs = 86_400_000;

/**
 * Each decision is looked up by itself, whatever the planner thinks of it: before a day has been analyzed it may rather go
 * through all of it, by the primary key, and throw nearly all of that away.
 */
const lockEach = (condition: string): string =>
  `select record.* from unnest($1::uuid[]) as wanted (id) cross join lateral (
     select ${locked} from routing_records where decision_id = wanted.id ${condition} offset 0 for update
   ) as record`;

/**
 * The records of these decisions whose time is within a day of the given times, locked until the transaction ends, in the
 * order of the ids.
 */
export async function lockRecords(
  db: Executor,
  decisionIds: readonly string[],
  timesMs: { first: number; last: number },
): Promise<LockedRecord[]> {
  const { rows } = await db.query<LockedRecord>(lockEach('and timestamp between $2::timestamptz and $3::timestamptz'), [
    decisionIds,
    new Date(timesMs.first - lookupSlackMs),
    new Date(timesMs.last + lookupSlackMs),
  ]);
  return rows;
}

/** As `lockRecords`, whatever the time of the decision: asks every partition. */
export async function lockRecordsOfAnyTime(db: Executor, decisionIds: readonly string[]): Promise<LockedRecord[]> {
  const { rows } = await db.query<LockedRecord>(lockEach(''), [decisionIds]);
  return rows;
}

/**
 * Keeps others from opening records at times that differ from those of the caller, until the transaction ends. The key of a
 * record holds its time, since the table is partitioned by it, so that no index tells two times of one decision apart.
 * Whoever opens records at the one time that their decisions were made at can meet nobody else who does, and shares.
 */
export async function lockOpening(db: Executor, mode: 'shared' | 'alone'): Promise<void> {
  const lock = mode === 'shared' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock';
  await db.query(`select ${lock}(hashtextextended('signalbox:open records', 0))`);
}

/** Records as `given`, with the message that explains each; PostgreSQL calls the second function's column by its name. */
const givenRecords = `rows from (jsonb_populate_recordset(null::routing_records, $1::jsonb), unnest($2::bigint[])) as given`;

function givenValues(records: readonly WrittenRecord[]): unknown[] {
  return [JSON.stringify(records), records.map((record) => record.explained_by ?? null)];
}

/** Inserts records, in the order of their keys. Returns how many of them were not there before. */
export async function insertRecords(db: Executor, records: readonly WrittenRecord[]): Promise<number> {
  if (records.length === 0) return 0;
  const { rowCount } = await db.query(
    `insert into routing_records (timestamp, ${shortColumns}, features, explanation)
     select timestamp, ${shortColumns}, features,
       coalesce(explanation, ${explanationIn('given.unnest')})
     from ${givenRecords}
     order by timestamp, decision_id, attempt
     on conflict do nothing`,
    givenValues(records),
  );
  return rowCount ?? 0;
}

/** Writes what may change of records that the caller has locked. `features` and `explanation` are only ever filled in. */
export async function updateRecords(db: Executor, records: readonly WrittenRecord[]): Promise<void> {
  if (records.length === 0) return;
  await db.query(
    `update routing_records as record
     set outcome = given.outcome, response_time_ms = given.response_time_ms,
       capabilities_required = given.capabilities_required, preference = given.preference,
       propensity = given.propensity, query_type = given.query_type, requested_model = given.requested_model,
       response_model = given.response_model, streamed = given.streamed, input_tokens = given.input_tokens,
       output_tokens = given.output_tokens, cached_input_tokens = given.cached_input_tokens,
       cache_write_tokens = given.cache_write_tokens, reasoning_tokens = given.reasoning_tokens,
       usage_estimated = given.usage_estimated, cost_usd = given.cost_usd,
       time_to_first_token_ms = given.time_to_first_token_ms, http_status = given.http_status,
       error_code = given.error_code, policy_version = given.policy_version, feedback_score = given.feedback_score,
       rollout_id = given.rollout_id, rollout_arm = given.rollout_arm, rollout_share = given.rollout_share,
       rollout_unit = given.rollout_unit,
       predictor_version = given.predictor_version, predictor_arm = given.predictor_arm,
       features_key = coalesce(record.features_key, given.features_key),
       features = coalesce(record.features, given.features),
       explanation = coalesce(record.explanation, given.explanation, ${explanationIn('given.unnest')}),
       updated_at = now()
     from ${givenRecords}
     where record.timestamp = given.timestamp and record.decision_id = given.decision_id
       and record.attempt = given.attempt
       -- Lets the planner leave out the days that no record is of.
       and record.timestamp = any($3::timestamptz[])`,
    [...givenValues(records), records.map((record) => record.timestamp)],
  );
}

/** What a decision first chose; undefined where it is not known, or not yet. */
export async function findDecision(
  db: Executor,
  decisionId: string,
): Promise<
  | {
      decisionId: string;
      timestampMs: number;
      complexity: Complexity;
      modelId: string;
      providerName: string;
      complexityScore: number;
      /** No outcome is known yet. */
      isOpen: boolean;
    }
  | undefined
> {
  const { rows } = await db.query<{
    timestamp: Date;
    complexity: Complexity;
    model: string;
    provider: string;
    score: number;
    outcome: RecordOutcome;
  }>(
    `select timestamp, complexity, model, provider, score, outcome
     from routing_records where decision_id = $1 order by attempt limit 1`,
    [decisionId],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    decisionId,
    timestampMs: row.timestamp.getTime(),
    complexity: row.complexity,
    modelId: row.model,
    providerName: row.provider,
    complexityScore: row.score,
    isOpen: row.outcome === 'routed' || row.outcome === 'unknown',
  };
}

/** Makes the partitions of today and of `daysAhead` more days, where they are missing. Returns how many were. */
export async function ensureRecordPartitions(db: Executor, daysAhead: number): Promise<number> {
  const { rows } = await db.query<{ made: string }>(
    `select count(*) filter (
       where ensure_routing_records_partition((now() at time zone 'UTC')::date + offset_days)
     ) as made
     from generate_series(0, $1::integer) as offset_days`,
    [daysAhead],
  );
  return Number(rows[0]?.made ?? 0);
}

/**
 * Drops the partitions of days that ended more than `days` days ago, and deletes up to `limit` such rows from the
 * default partition. Returns the names of the partitions and the number of rows.
 */
export async function dropRecordsOlderThan(
  db: Executor,
  days: number,
  limit: number,
): Promise<{ partitions: string[]; rows: number }> {
  const { rows } = await db.query<{ name: string }>(
    `select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid
     where inhparent = 'routing_records'::regclass
       and case when relname ~ '^routing_records_[0-9]{8}$'
         then to_date(right(relname, 8), 'YYYYMMDD') < (now() at time zone 'UTC')::date - $1::integer end
     order by relname`,
    [days],
  );
  // Names that match the pattern above need no quotes.
  for (const { name } of rows) await db.query(`drop table ${name}`);
  const { rowCount } = await db.query(
    `delete from routing_records_default
     where ctid in (
       select ctid from routing_records_default where timestamp < now() - make_interval(days => $1) limit $2
     )`,
    [days, limit],
  );
  return { partitions: rows.map((row) => row.name), rows: rowCount ?? 0 };
}
