import { createSketch, type QuantileSketch } from '../../statistics/quantile-sketch.ts';
import type { Executor } from '../postgres/pool.ts';
import type { Span } from './traffic.ts';

/** How long the buckets are: of single models hours and days, of all together minutes and hours. */
export type BucketSeconds = 60 | 3600 | 86_400;

/** How long answers took, in milliseconds, of one model or of all together, in one bucket. */
export interface LatencyAddition {
  bucketSeconds: BucketSeconds;
  /** Its beginning, ISO 8601. */
  bucket: string;
  /** Both empty: of all models together. */
  provider: string;
  model: string;
  response: QuantileSketch;
  firstToken: QuantileSketch;
}

/** Of answers in milliseconds. */
export interface Latencies {
  response: QuantileSketch;
  firstToken: QuantileSketch;
}

interface Row {
  bucket_seconds: number;
  bucket: Date;
  provider: string;
  model: string;
  response_ms: Buffer | null;
  first_token_ms: Buffer | null;
}

const keys = 'bucket_seconds, bucket, provider, model';
const given = `unnest($1::integer[], $2::timestamptz[], $3::text[], $4::text[])`;

/**
 * Merges sketches with what is stored, in key order; at most one for each key, and each then holds what is stored now.
 * Where rows are missing they are made and read again, so that there is something to lock, and nothing that others
 * merge at the same time is lost.
 */
export async function mergeTrafficLatencies(db: Executor, additions: readonly LatencyAddition[]): Promise<void> {
  if (additions.length === 0) return;
  const columns = [
    additions.map((addition) => addition.bucketSeconds),
    additions.map((addition) => addition.bucket),
    additions.map((addition) => addition.provider),
    additions.map((addition) => addition.model),
  ];
  let rows = await lockRows(db, columns);
  if (rows.length < additions.length) {
    await db.query(
      `insert into traffic_latencies (${keys}) select * from ${given} order by 1, 2, 3, 4 on conflict do nothing`,
      columns,
    );
    rows = await lockRows(db, columns);
  }
  const stored = new Map(rows.map((row) => [keyOf(row.bucket_seconds, row.bucket, row.provider, row.model), row]));
  for (const { bucketSeconds, bucket, provider, model, response, firstToken } of additions) {
    const row = stored.get(keyOf(bucketSeconds, new Date(bucket), provider, model));
    if (row?.response_ms != null) response.mergeSerialised(row.response_ms);
    if (row?.first_token_ms != null) firstToken.mergeSerialised(row.first_token_ms);
  }
  await db.query({
    name: 'write-traffic-latencies',
    text: `update traffic_latencies as known set response_ms = merged.response, first_token_ms = merged.first_token
      from unnest($1::integer[], $2::timestamptz[], $3::text[], $4::text[], $5::bytea[], $6::bytea[])
        as merged (${keys}, response, first_token)
      where known.bucket_seconds = merged.bucket_seconds and known.bucket = merged.bucket
        and known.provider = merged.provider and known.model = merged.model`,
    values: [
      ...columns,
      additions.map(({ response }) => toBytes(response)),
      additions.map(({ firstToken }) => toBytes(firstToken)),
    ],
  });
}

async function lockRows(db: Executor, columns: readonly unknown[][]): Promise<Row[]> {
  const { rows } = await db.query<Row>({
    name: 'lock-traffic-latencies',
    text: `select ${keys}, response_ms, first_token_ms from traffic_latencies
      join ${given} as given (${keys}) using (${keys})
      order by ${keys} for update of traffic_latencies`,
    values: [...columns],
  });
  return rows;
}

function keyOf(bucketSeconds: number, bucket: Date, provider: string, model: string): string {
  return JSON.stringify([bucketSeconds, bucket.getTime(), provider, model]);
}

function toBytes(sketch: QuantileSketch): Buffer | null {
  return sketch.count === 0 ? null : Buffer.from(sketch.serialise());
}

/** Which latencies are read: of all models together, of one, or of each. */
export type LatenciesOf = 'all' | 'each' | { provider: string; model: string };

/**
 * Latencies of a span by what `keyOfRow` makes of bucket, provider and model; those of equal keys are merged.
 */
export async function readLatencies(
  db: Executor,
  bucketSeconds: BucketSeconds,
  { since, until }: Span,
  of: LatenciesOf,
  keyOfRow: (bucket: Date, provider: string, model: string) => string,
): Promise<Map<string, Latencies>> {
  const { rows } = await db.query<Row>(
    `select bucket, provider, model, response_ms, first_token_ms from traffic_latencies
     where bucket_seconds = $1 and bucket >= $2 and bucket < $3
       and case when $4 then provider <> '' else provider = $5 and model = $6 end`,
    [
      bucketSeconds,
      since,
      until,
      of === 'each',
      typeof of === 'object' ? of.provider : '',
      typeof of === 'object' ? of.model : '',
    ],
  );
  const latencies = new Map<string, Latencies>();
  for (const row of rows) {
    const key = keyOfRow(row.bucket, row.provider, row.model);
    const sum = latencies.get(key) ?? { response: createSketch(), firstToken: createSketch() };
    latencies.set(key, sum);
    if (row.response_ms !== null) sum.response.mergeSerialised(row.response_ms);
    if (row.first_token_ms !== null) sum.firstToken.mergeSerialised(row.first_token_ms);
  }
  return latencies;
}

/** Deletes up to `limit` minutes older than two days and hours older than `days`. Returns how many. */
export async function pruneTrafficLatencies(db: Executor, days: number, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from traffic_latencies where ctid in (
       select ctid from traffic_latencies
       where bucket_seconds = 60 and bucket < now() - interval '2 days'
         or bucket_seconds > 60 and bucket < now() - make_interval(days => $1)
       limit $2)`,
    [days, limit],
  );
  return rowCount ?? 0;
}
