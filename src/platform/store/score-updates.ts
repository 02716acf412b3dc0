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
  reason: string;
}

const columns = 'seq, timestamp, model_name, complexity_level, old_score, new_score, sample_size, p95_ms, reason';

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
    `insert into score_updates (model_name, complexity_level, old_score, new_score, sample_size, p95_ms, reason)
     select model, complexity, old_score, new_score, sample_size, p95, reason
     from unnest($1::text[], $2::text[], $3::float8[], $4::float8[], $5::bigint[], $6::float8[], $7::text[])
       with ordinality as given (model, complexity, old_score, new_score, sample_size, p95, reason, position)
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

/** The newest changes first, at most `limit`, of all cells or of a model, a complexity or both. */
export async function listNewestScoreUpdates(
  db: Executor,
  filter: { model?: string | undefined; complexity?: Complexity | undefined },
  limit: number,
): Promise<ScoreChange[]> {
  const { rows } = await db.query<ChangeRow>(
    `select ${columns} from score_updates
     where ($1::text is null or model_name = $1) and ($2::text is null or complexity_level = $2)
     order by seq desc limit $3`,
    [filter.model, filter.complexity, limit],
  );
  return rows.map(toScoreChange);
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
