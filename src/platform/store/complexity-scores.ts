import type { Complexity } from '../../contracts/query-class.ts';
import type { Executor } from '../postgres/pool.ts';

/** The learned score of one (model, complexity), in [0, 5], and what it rests on. */
export interface LearnedScore {
  model: string;
  complexity: Complexity;
  score: number;
  /** The catalogue's score when this one was learned. */
  priorScore: number;
  /** Number of the update that set it. */
  seq: number;
  /** Outcomes that it was last learned from. */
  sampleSize: number;
  successRate: number | null;
  avgResponseTimeMs: number | null;
  p95Ms: number | null;
  /** What is believed with 90%, as scores; null where the rule knows none. */
  interval: [low: number, high: number] | null;
  reason: string;
  updatedAt: Date;
}

interface ScoreRow {
  model_name: string;
  complexity_level: Complexity;
  score: number;
  prior_score: number;
  seq: string;
  sample_size: string;
  success_rate: number | null;
  avg_response_time_ms: number | null;
  p95_ms: number | null;
  interval_low: number | null;
  interval_high: number | null;
  reason: string;
  updated_at: Date;
}

function toLearnedScore(row: ScoreRow): LearnedScore {
  return {
    model: row.model_name,
    complexity: row.complexity_level,
    score: row.score,
    priorScore: row.prior_score,
    seq: Number(row.seq),
    sampleSize: Number(row.sample_size),
    successRate: row.success_rate,
    avgResponseTimeMs: row.avg_response_time_ms,
    p95Ms: row.p95_ms,
    interval: row.interval_low === null || row.interval_high === null ? null : [row.interval_low, row.interval_high],
    reason: row.reason,
    updatedAt: row.updated_at,
  };
}

/**
 * All learned scores, or those of some models, at one moment, with the greatest `seq` among them (0 without any):
 * whoever has applied these goes on with the updates after `seq`. Every update sets its score in the same transaction,
 * so none lies between.
 */
export async function listComplexityScores(
  db: Executor,
  models: readonly string[] | null = null,
): Promise<{ rows: LearnedScore[]; seq: number }> {
  const { rows } = await db.query<ScoreRow>(
    `select model_name, complexity_level, score, prior_score, seq, sample_size, success_rate, avg_response_time_ms,
       p95_ms, interval_low, interval_high, reason, updated_at
     from complexity_scores
     where $1::text[] is null or model_name = any($1)
     order by model_name, complexity_level`,
    [models],
  );
  const scores = rows.map(toLearnedScore);
  return { rows: scores, seq: scores.reduce((seq, score) => Math.max(seq, score.seq), 0) };
}

/** The greatest `seq` among all learned scores; 0 without any. */
export async function findLatestSeq(db: Executor): Promise<number> {
  const { rows } = await db.query<{ seq: string | null }>('select max(seq) as seq from complexity_scores');
  return Number(rows[0]?.seq ?? 0);
}

/** Sets scores, in key order; at most one for each (model, complexity). */
export async function upsertComplexityScores(
  db: Executor,
  scores: ReadonlyArray<Omit<LearnedScore, 'updatedAt'>>,
): Promise<void> {
  await db.query(
    `insert into complexity_scores (model_name, complexity_level, score, prior_score, seq, sample_size, success_rate,
       avg_response_time_ms, p95_ms, reason, interval_low, interval_high)
     select model, complexity, score, prior_score, seq, sample_size, success_rate, avg_ms, p95, reason, low, high
     from unnest($1::text[], $2::text[], $3::float8[], $4::float8[], $5::bigint[], $6::bigint[], $7::float8[],
       $8::float8[], $9::float8[], $10::text[], $11::float8[], $12::float8[])
       as given (model, complexity, score, prior_score, seq, sample_size, success_rate, avg_ms, p95, reason, low, high)
     order by model, complexity
     on conflict (model_name, complexity_level) do update set
       score = excluded.score, prior_score = excluded.prior_score, seq = excluded.seq,
       sample_size = excluded.sample_size, success_rate = excluded.success_rate,
       avg_response_time_ms = excluded.avg_response_time_ms, p95_ms = excluded.p95_ms, reason = excluded.reason,
       interval_low = excluded.interval_low, interval_high = excluded.interval_high,
       updated_at = now()`,
    [
      scores.map((score) => score.model),
      scores.map((score) => score.complexity),
      scores.map((score) => score.score),
      scores.map((score) => score.priorScore),
      scores.map((score) => score.seq),
      scores.map((score) => score.sampleSize),
      scores.map((score) => score.successRate),
      scores.map((score) => score.avgResponseTimeMs),
      scores.map((score) => score.p95Ms),
      scores.map((score) => score.reason),
      scores.map((score) => score.interval?.[0] ?? null),
      scores.map((score) => score.interval?.[1] ?? null),
    ],
  );
}
