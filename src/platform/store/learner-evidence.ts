import type { Complexity, QueryType } from '../../contracts/query-class.ts';
import type { Executor } from '../postgres/pool.ts';

/** Outcomes of one batch that the learner has not taken in yet: of one model, complexity, kind, provider and instance. */
export interface EvidenceRow {
  model: string;
  complexity: Complexity;
  queryType: QueryType | null;
  provider: string;
  instanceId: string;
  /** Requests that this stands for. */
  requests: number;
  /** Weighted by age; negative where a correction takes outcomes back. */
  successes: number;
  failures: number;
  responseTimes: number;
  responseTimeSumMs: number;
}

export async function insertEvidence(db: Executor, rows: readonly EvidenceRow[]): Promise<void> {
  if (rows.length === 0) return;
  await db.query(
    `insert into learner_evidence (model_name, complexity_level, query_type, provider, instance_id, requests, successes,
       failures, response_times, response_time_sum_ms)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::float8[],
       $8::float8[], $9::integer[], $10::float8[])`,
    [
      rows.map((row) => row.model),
      rows.map((row) => row.complexity),
      rows.map((row) => row.queryType),
      rows.map((row) => row.provider),
      rows.map((row) => row.instanceId),
      rows.map((row) => row.requests),
      rows.map((row) => row.successes),
      rows.map((row) => row.failures),
      rows.map((row) => row.responseTimes),
      rows.map((row) => row.responseTimeSumMs),
    ],
  );
}

interface Row {
  id: string;
  model_name: string;
  complexity_level: Complexity;
  query_type: QueryType | null;
  provider: string;
  instance_id: string;
  requests: number;
  successes: number;
  failures: number;
  response_times: number;
  response_time_sum_ms: number;
}

/** Removes and returns the oldest evidence, in the order in which it came, at most `limit` rows. */
export async function takeEvidence(db: Executor, limit: number): Promise<EvidenceRow[]> {
  const { rows } = await db.query<Row>(
    `delete from learner_evidence where id in (select id from learner_evidence order by id limit $1)
     returning id, model_name, complexity_level, query_type, provider, instance_id, requests, successes, failures,
       response_times, response_time_sum_ms`,
    [limit],
  );
  rows.sort((a, b) => Number(a.id) - Number(b.id));
  return rows.map((row) => ({
    model: row.model_name,
    complexity: row.complexity_level,
    queryType: row.query_type,
    provider: row.provider,
    instanceId: row.instance_id,
    requests: row.requests,
    successes: row.successes,
    failures: row.failures,
    responseTimes: row.response_times,
    responseTimeSumMs: row.response_time_sum_ms,
  }));
}

/** Deletes up to `limit` rows that no learner has taken for `days`. Returns how many. */
export async function pruneEvidence(db: Executor, days: number, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from learner_evidence where id in (
       select id from learner_evidence where received_at < now() - make_interval(days => $1) order by id limit $2)`,
    [days, limit],
  );
  return rowCount ?? 0;
}

/** Deletes what no learner has taken yet of these models, of all where `models` is null. */
export async function deleteEvidence(db: Executor, models: readonly string[] | null): Promise<void> {
  await db.query('delete from learner_evidence where $1::text[] is null or model_name = any($1)', [models]);
}
