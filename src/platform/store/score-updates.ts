import type { Complexity } from '../../contracts/query-class.ts';
import type { Executor } from '../postgres/pool.ts';

/** One change of the score of a (model, complexity). `seq` grows by one log for the whole fleet; it may have gaps. */
export interface ScoreChange {
  seq: number;
  timestamp: Date;
  model: string;
  complexity: Complexity;
  oldScore: number;
  newScore: number;
  sampleSize: number;
  p95Ms: number | null;
  /** What is believed with 90%, as scores; null where the rule knows none. */
  interval: [low: number, high: number] | null;
  /** How many outcomes the belief rests on; null where the rule knows none. */
  strength: number | null;
  reason: string;
}

interface ChangeRow {
  seq: string;
  timestamp: Date;
  model_name: string;
  complexity_level: Complexity;
  old_score: number;
  new_score: number;
  sample_size: string;
  p95_ms: number | null;
  interval_low: number | null;
  interval_high: number | null;
  strength: number | null;
  reason: string;
}

const columns = `seq, timestamp, model_name, complexity_level, old_score, new_score, sample_size, p95_ms, interval_low,
  interval_high, strength, reason`;

function toScoreChange(row: ChangeRow): ScoreChange {
  return {
    seq: Number(row.seq),
    timestamp: row.timestamp,
    model: row.model_name,
    complexity: row.complexity_level,
    oldScore: row.old_score,
    newScore: row.new_score,
    sampleSize: Number(row.sample_size),
    p95Ms: row.p95_ms,
    interval: row.interval_low === null || row.interval_high === null ? null : [row.interval_low, row.interval_high],
    strength: row.strength,
    reason: row.reason,
  };
}

/**
 * Writes changes, which get their `seq` in the order given. Only one transaction at a time may do this (the learner holds
 * its lock), or a reader could see a greater `seq` before a smaller one.
 */
export async function insertScoreUpdates(
  db: Executor,
  changes: ReadonlyArray<Omit<ScoreChange, 'seq' | 'timestamp'>>,
): Promise<ScoreChange[]> {
  const { rows } = await db.query<ChangeRow>(
    `insert into score_updates (model_name, complexity_level, old_score, new_score, sample_size, p95_ms, reason,
       interval_low, interval_high, strength)
     select model, complexity, old_score, new_score, sample_size, p95, reason, low, high, strength
     from unnest($1::text[], $2::text[], $3::float8[], $4::float8[], $5::bigint[], $6::float8[], $7::text[], $8::float8[],
       $9::float8[], $10::float8[])
       with ordinality as given (model, complexity, old_score, new_score, sample_size, p95, reason, low, high, strength,
         position)
     order by position
     returning ${columns}`,
    [
      changes.map((change) => change.model),
      changes.map((change) => change.complexity),
      changes.map((change) => change.oldScore),
      changes.map((change) => change.newScore),
      changes.map((change) => change.sampleSize),
      changes.map((change) => change.p95Ms),
      changes.map((change) => change.reason),
      changes.map((change) => change.interval?.[0] ?? null),
      changes.map((change) => change.interval?.[1] ?? null),
      changes.map((change) => change.strength),
    ],
  );
  return rows.map(toScoreChange).sort((a, b) => a.seq - b.seq);
}

/** Changes with a greater `seq`, in order, at most `limit`. */
export async function listScoreUpdatesAfter(db: Executor, seq: number, limit: number): Promise<ScoreChange[]> {
  const { rows } = await db.query<ChangeRow>(
    `select ${columns} from score_updates where seq > $1 order by seq limit $2`,
    [seq, limit],
  );
  return rows.map(toScoreChange);
}

/** The newest changes first, at most `limit`: of a model, of a complexity, before one of this number, since a time. */
export async function listNewestScoreUpdates(
  db: Executor,
  filter: {
    model?: string | undefined;
    complexity?: Complexity | undefined;
    before?: number | undefined;
    since?: Date | undefined;
  },
  limit: number,
): Promise<ScoreChange[]> {
  const { rows } = await db.query<ChangeRow>(
    `select ${columns} from score_updates
     where ($1::text is null or model_name = $1) and ($2::text is null or complexity_level = $2)
       and ($3::bigint is null or seq < $3) and ($4::timestamptz is null or timestamp >= $4)
     order by seq desc limit $5`,
    [filter.model, filter.complexity, filter.before, filter.since, limit],
  );
  return rows.map(toScoreChange);
}

/** The score of each cell after the update with this number, by the key that `keyOf` makes; cells without one are left out. */
export async function listScoresAsOf(
  db: Executor,
  seq: number,
  keyOf: (model: string, complexity: Complexity) => string,
): Promise<Map<string, number>> {
  const { rows } = await db.query<Pick<ChangeRow, 'model_name' | 'complexity_level' | 'new_score'>>(
    `select distinct on (model_name, complexity_level) model_name, complexity_level, new_score
     from score_updates where seq <= $1 order by model_name, complexity_level, seq desc`,
    [seq],
  );
  return new Map(rows.map((row) => [keyOf(row.model_name, row.complexity_level), row.new_score]));
}

/** Deletes up to `limit` changes older than `days`; the current scores stay. Returns how many. */
export async function pruneScoreUpdates(db: Executor, days: number, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from score_updates
     where seq in (select seq from score_updates where timestamp < now() - make_interval(days => $1) order by seq limit $2)`,
    [days, limit],
  );
  return rowCount ?? 0;
}
