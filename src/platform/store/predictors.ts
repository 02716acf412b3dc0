import type { Executor } from '../postgres/pool.ts';

/** How a choice was made: with the predictor, without it to compare, or there was none. */
export type PredictorArm = 'used' | 'held_out' | 'none';

export interface PredictorTally {
  /** 0 where there was no predictor. */
  version: number;
  arm: PredictorArm;
  requests: number;
  bad: number;
}

export interface StoredPredictor {
  version: number;
  examples: number;
  /** Outcomes that the fleet had counted when it was trained. */
  outcomesBefore: number;
  isRetired: boolean;
}

/** The salt with which this installation scrambles what it logs of prompts. */
export async function readFeatureSalt(db: Executor): Promise<string> {
  const { rows } = await db.query<{ salt: string }>('select salt from feature_salt');
  return rows[0]?.salt ?? '';
}

/** A number for the next predictor. */
export async function nextPredictorVersion(db: Executor): Promise<number> {
  const { rows } = await db.query<{ version: string }>(`select nextval('predictor_versions') as version`);
  return Number(rows[0]?.version);
}

/** Keeps a predictor; of older ones the contents of the last `kept`. */
export async function insertPredictor(
  db: Executor,
  predictor: { version: number; content: Uint8Array; examples: number; outcomesBefore: number },
  kept: number,
): Promise<void> {
  await db.query('insert into predictors (version, content, examples, outcomes_before) values ($1, $2, $3, $4)', [
    predictor.version,
    Buffer.from(predictor.content),
    predictor.examples,
    predictor.outcomesBefore,
  ]);
  await db.query('delete from predictors where version <= $1::bigint - $2', [predictor.version, kept]);
}

/** The newest predictor, retired or not; undefined where there was never one. */
export async function findNewestPredictor(db: Executor): Promise<StoredPredictor | undefined> {
  const { rows } = await db.query<{
    version: string;
    examples: number;
    outcomes_before: string;
    is_retired: boolean;
  }>(
    `select version, examples, outcomes_before, retired_at is not null as is_retired
     from predictors order by version desc limit 1`,
  );
  const [row] = rows;
  return row === undefined
    ? undefined
    : {
        version: Number(row.version),
        examples: row.examples,
        outcomesBefore: Number(row.outcomes_before),
        isRetired: row.is_retired,
      };
}

/** A predictor with its life. */
export interface ListedPredictor {
  version: number;
  createdAt: Date;
  examples: number;
  outcomesBefore: number;
  retiredAt: Date | null;
  retiredReason: string | null;
}

/** Those that are kept, the newest first, at most `limit`. */
export async function listPredictors(db: Executor, limit: number): Promise<ListedPredictor[]> {
  const { rows } = await db.query<{
    version: string;
    created_at: Date;
    examples: number;
    outcomes_before: string;
    retired_at: Date | null;
    retired_reason: string | null;
  }>(
    `select version, created_at, examples, outcomes_before, retired_at, retired_reason
     from predictors order by version desc limit $1`,
    [limit],
  );
  return rows.map((row) => ({
    version: Number(row.version),
    createdAt: row.created_at,
    examples: row.examples,
    outcomesBefore: Number(row.outcomes_before),
    retiredAt: row.retired_at,
    retiredReason: row.retired_reason,
  }));
}

/** The bytes of a predictor; undefined where it is no longer kept. */
export async function readPredictor(db: Executor, version: number): Promise<Buffer | undefined> {
  const { rows } = await db.query<{ content: Buffer }>('select content from predictors where version = $1', [version]);
  return rows[0]?.content;
}

export async function retirePredictor(db: Executor, version: number, reason: string): Promise<void> {
  await db.query(
    'update predictors set retired_at = now(), retired_reason = $2 where version = $1 and retired_at is null',
    [version, reason],
  );
}

/** Adds to the tallies, in the order of their keys. */
export async function addPredictorTallies(db: Executor, tallies: readonly PredictorTally[]): Promise<void> {
  if (tallies.length === 0) return;
  await db.query(
    `insert into predictor_tallies (version, arm, requests, bad)
     select * from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]) as given (version, arm, requests, bad)
     order by version, arm
     on conflict (version, arm) do update
       set requests = predictor_tallies.requests + excluded.requests, bad = predictor_tallies.bad + excluded.bad`,
    [
      tallies.map(({ version }) => version),
      tallies.map(({ arm }) => arm),
      tallies.map(({ requests }) => requests),
      tallies.map(({ bad }) => bad),
    ],
  );
}

export async function listPredictorTallies(db: Executor): Promise<PredictorTally[]> {
  const { rows } = await db.query<{ version: string; arm: PredictorArm; requests: string; bad: string }>(
    'select version, arm, requests, bad from predictor_tallies',
  );
  return rows.map(({ version, arm, requests, bad }) => ({
    version: Number(version),
    arm,
    requests: Number(requests),
    bad: Number(bad),
  }));
}
